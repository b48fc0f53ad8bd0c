//! A command-line tool: it prints, asks, logs and fails, and each line stands where it belongs.
//!
//! Run with `cargo run --example 08_command_line` in a terminal, and again with `RUST_LOG=debug`.

use std::io::{self, Write};

use femtologging::{Level, basic_config, debug, info, warn};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // On a terminal, each record is written before the call returns.
    basic_config(Level::Info)?;
    greet(&mut io::stdin().lock(), &mut io::stdout())
}

/// Asks for a name, and greets.
fn greet(input: &mut impl io::BufRead, output: &mut impl Write) -> Result<(), Box<dyn std::error::Error>> {
    info!("please answer");
    write!(output, "name? ")?;
    output.flush()?;
    let mut name = String::new();
    input.read_line(&mut name)?;
    let name = name.trim();
    debug!("read {} characters", name.chars().count(); name);
    if name.is_empty() {
        warn!("nobody is there:\nno name was given");
        return Err("no name".into());
    }
    writeln!(output, "hello {name}")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greets_by_name() {
        let mut output = Vec::new();
        greet(&mut &b"ada\n"[..], &mut output).unwrap();
        assert_eq!(output, b"name? hello ada\n");
        assert_eq!(greet(&mut io::empty(), &mut output).unwrap_err().to_string(), "no name");
    }
}
