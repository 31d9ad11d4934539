//! `cargo resea`: the one tool to build, boot, test and measure Resea.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use resea_tool::commands::bench::BenchCommand;
use resea_tool::commands::build::BuildCommand;
use resea_tool::commands::clean::CleanCommand;
use resea_tool::commands::disk::DiskCommand;
use resea_tool::commands::doctor::DoctorCommand;
use resea_tool::commands::fuzz::FuzzCommand;
use resea_tool::commands::graph::GraphCommand;
use resea_tool::commands::new::NewCommand;
use resea_tool::commands::run::RunCommand;
use resea_tool::commands::size::SizeCommand;
use resea_tool::commands::symbolize::SymbolizeCommand;
use resea_tool::commands::test::TestCommand;
use resea_tool::ui;

/// Builds, boots, tests and measures Resea
///
/// Without a subcommand it does what `run` does, with the options of `run`: `cargo run` boots into the shell. What is
/// missing on this machine (QEMU, the bare-metal part of the Rust toolchain) is installed after saying so.
#[derive(Parser)]
#[command(name = "cargo resea", bin_name = "cargo resea", version, args_conflicts_with_subcommands = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunCommand,
}

#[derive(Subcommand)]
enum Command {
    Run(RunCommand),
    Build(BuildCommand),
    Test(TestCommand),
    New(NewCommand),
    Bench(Box<BenchCommand>),
    Size(SizeCommand),
    Disk(DiskCommand),
    Doctor(DoctorCommand),
    Fuzz(FuzzCommand),
    Graph(GraphCommand),
    Clean(CleanCommand),
    Symbolize(SymbolizeCommand),
}

impl Command {
    /// Whether it writes to nothing but its output and files: it may end, as other filters do, when nobody reads on. The others have
    /// to tell of a QEMU that hears nothing any more.
    const fn only_prints(&self) -> bool {
        matches!(self, Self::Size(_) | Self::Disk(_) | Self::Doctor(_) | Self::Graph(_) | Self::Symbolize(_))
    }
}

fn main() -> ExitCode {
    let CommandLine { command, run } = CommandLine::parse();
    let command = command.unwrap_or(Command::Run(run));
    if command.only_prints() {
        sigpipe::reset();
    }
    let result = match command {
        Command::Run(command) => command.run(),
        Command::Build(command) => command.run(),
        Command::Test(command) => command.run(),
        Command::New(command) => command.run(),
        Command::Bench(command) => command.run(),
        Command::Size(command) => command.run(),
        Command::Disk(command) => command.run(),
        Command::Doctor(command) => command.run(),
        Command::Fuzz(command) => command.run(),
        Command::Graph(command) => command.run(),
        Command::Clean(command) => command.run(),
        Command::Symbolize(command) => command.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            ui::error(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
