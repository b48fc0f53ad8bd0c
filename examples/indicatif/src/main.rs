//! A progress bar that log lines do not tear.
//!
//! A bar redraws the line that the cursor is on. A log line written there would stand behind a half-drawn bar, and the
//! bar would be drawn again below it. So the handler's writer has the bars cleared, writes, and has them drawn again
//! ([`MultiProgress::suspend`]). With [`inline`](femtologging::handler::HandlerBuilder::inline), that happens within the
//! call, and the line stands where it belongs.
//!
//! Run with `cargo run --manifest-path examples/indicatif/Cargo.toml`.

use std::io::{self, Write};
use std::time::Duration;

use femtologging::formatter::FemtoConsoleFormatter;
use femtologging::handler::{FemtoStreamHandler, HandlerSpec};
use femtologging::{Config, Error, info, warn};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Writes to standard error while no bar is drawn.
struct AboveBars<W> {
    bars: MultiProgress,
    writer: W,
}

impl<W: Write> Write for AboveBars<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // All of it, so that the bars are drawn again behind the end of a line.
        self.bars.suspend(|| self.writer.write_all(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

fn console(bars: &MultiProgress, writer: impl Write + Send + 'static) -> Result<HandlerSpec, Error> {
    FemtoStreamHandler::builder(AboveBars { bars: bars.clone(), writer })
        .formatter(FemtoConsoleFormatter::for_stderr())
        .inline()
        .build()
}

/// Returns the bar, which is drawn as long as it lives.
fn work(bars: &MultiProgress, files: u64, pause: Duration) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} files").expect("a template of indicatif");
    let bar = bars.add(ProgressBar::new(files).with_style(style));
    for file in 1..=files {
        std::thread::sleep(pause);
        match file % 4 {
            0 => warn!("file {} is empty", file),
            2 => info!("file {} is copied", file; bytes = file * 100),
            _ => {}
        }
        bar.inc(1);
    }
    bar.finish();
    bar
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bars = MultiProgress::new();
    Config::builder().add_handler("console", console(&bars, io::stderr())?).build_and_init()?;
    info!("copying");
    let _bar = work(&bars, 8, Duration::from_millis(300));
    info!("done");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use indicatif::{InMemoryTerm, ProgressDrawTarget, TermLike};

    use super::*;

    /// Writes to the terminal that the bars are drawn on.
    #[derive(Clone, Debug)]
    struct Screen(InMemoryTerm, Arc<Mutex<Vec<String>>>);

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let text = str::from_utf8(bytes).map_err(io::Error::other)?;
            // What is on the screen when a log line comes.
            self.1.lock().unwrap().push(self.0.contents());
            text.lines().try_for_each(|line| self.0.write_line(line))?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            self.0.flush()
        }
    }

    #[test]
    fn log_lines_stand_above_the_bar() {
        let terminal = InMemoryTerm::new(20, 80);
        let screen = Screen(terminal.clone(), Arc::default());
        let bars =
            MultiProgress::with_draw_target(ProgressDrawTarget::term_like_with_hz(Box::new(terminal.clone()), 255));
        let handler = FemtoStreamHandler::builder(AboveBars { bars: bars.clone(), writer: screen.clone() })
            .formatter(FemtoConsoleFormatter::new().time(false).logger(false))
            .inline()
            .build()
            .unwrap();
        Config::builder().add_handler("console", handler).build_and_init().unwrap();
        info!("copying");
        let _bar = work(&bars, 4, Duration::from_millis(20));
        info!("done");
        let full = format!("{} 4/4 files", "█".repeat(40));
        let expected = [
            "INFO     copying",
            "INFO     file 2 is copied bytes=200",
            "WARN     file 4 is empty",
            "INFO     done",
            &full,
        ];
        assert_eq!(terminal.contents().lines().map(str::trim_end).collect::<Vec<_>>(), expected);
        // There was no bar on the screen while a line was written.
        assert!(screen.1.lock().unwrap().iter().all(|before| !before.contains("files")));
    }
}
