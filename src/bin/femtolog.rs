//! The command for operators: checks configurations, and prints their schema, their reference and what is in force.
//!
//! | command | prints | exit status |
//! |---|---|---|
//! | `femtolog check FILE…` | everything that is wrong, a line each, with file, line and column | 1 if anything is |
//! | `femtolog effective [FILE]` | each setting, its value and origin; secrets as `***` | 1 if the file is wrong |
//! | `femtolog schema` | the JSON Schema, for editors | 0 |
//! | `femtolog reference` | the reference page, in Markdown | 0 |
//!
//! It knows the types of the library only: a configuration with types that a program adds is checked by that program,
//! by `Spec::check` with its registry. `--ignore-missing` accepts references to variables and files that only the
//! target machine has.
//!
//! ```text
//! $ femtolog check log.toml
//! log.toml:2:62: handlers.file.max_byte: no such setting; did you mean "max_bytes"?
//! ```

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use femtologging::config::{Environment, Loader, Registry, Spec};
use femtologging::{Error, set_error_hook};

fn main() -> ExitCode {
    // Warnings of a document are printed as such, not as notices of a running system.
    set_error_hook(|_, _| {});
    match run(&command().get_matches()) {
        Ok(code) => code,
        // A reader that has seen enough, such as `head`, is no failure.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn command() -> Command {
    let ignore = Arg::new("ignore-missing")
        .long("ignore-missing")
        .action(ArgAction::SetTrue)
        .help("Accept references to variables and files that do not exist here");
    let file = |help: &'static str| Arg::new("file").value_name("FILE").value_parser(value_parser!(PathBuf)).help(help);
    Command::new("femtolog")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Checks and prints configurations of femtologging")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("check")
                .about("Says everything that is wrong with configuration files; the exit status is 1 if anything is")
                .arg(file("A file in TOML, YAML or JSON").required(true).num_args(1..))
                .arg(ignore.clone()),
        )
        .subcommand(
            Command::new("effective")
                .about("Prints every setting with its value and its origin: file, variable or default")
                .arg(file("A file in TOML, YAML or JSON; by default that of FEMTO_LOG_CONFIG"))
                .arg(ignore),
        )
        .subcommand(Command::new("schema").about("Prints the JSON Schema of configuration files"))
        .subcommand(Command::new("reference").about("Prints the reference page of all settings, in Markdown"))
}

fn run(matches: &ArgMatches) -> io::Result<ExitCode> {
    let mut out = io::stdout().lock();
    match matches.subcommand() {
        Some(("check", matches)) => {
            let mut code = ExitCode::SUCCESS;
            for path in matches.get_many::<PathBuf>("file").into_iter().flatten() {
                let checked = loader(matches).read_path(path).and_then(|spec| {
                    spec.check(&Registry::new())?;
                    Ok(spec)
                });
                match checked {
                    Ok(spec) => {
                        for warning in spec.warnings() {
                            writeln!(out, "warning: {warning}")?;
                        }
                        writeln!(out, "{}: ok", path.display())?;
                    }
                    Err(error) => {
                        complain(&error)?;
                        code = ExitCode::FAILURE;
                    }
                }
            }
            Ok(code)
        }
        Some(("effective", matches)) => {
            let loader = loader(matches);
            let spec = match matches.get_one::<PathBuf>("file") {
                Some(path) => loader.load_path(Some(path)),
                None => loader.load(),
            };
            match spec {
                Ok(spec) => write!(out, "{}", spec.effective()).map(|()| ExitCode::SUCCESS),
                Err(error) => complain(&error).map(|()| ExitCode::FAILURE),
            }
        }
        Some(("schema", _)) => write!(out, "{}", Spec::schema()).map(|()| ExitCode::SUCCESS),
        Some(("reference", _)) => write!(out, "{}", Spec::reference()).map(|()| ExitCode::SUCCESS),
        _ => Ok(ExitCode::FAILURE),
    }
}

fn loader(matches: &ArgMatches) -> Loader {
    Loader::new().environment(Environment::process().ignore_missing(matches.get_flag("ignore-missing")))
}

/// Prints problems as compilers do, a line each.
fn complain(error: &Error) -> io::Result<()> {
    let mut out = io::stderr().lock();
    for error in error.errors() {
        if error.problems().is_empty() {
            writeln!(out, "{error}")?;
        }
        for problem in error.problems() {
            writeln!(out, "{problem}")?;
        }
    }
    Ok(())
}
