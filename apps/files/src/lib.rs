//! The shell's helper: it has files open, so that no file server can make the shell wait. Each runs for one file, and ends or
//! is killed with the command that it is for.
//!
//! * `files to PATH`, `files onto PATH`: writes its input to a file, or to the end of one.
//! * `files from PATH`: writes a file to its output.
//! * `files list DIRECTORY START`: writes the names there that begin with `START`, a line each, those of directories with
//!   a `/`; as many as make sense to a person.
//! * `files sync`: has all file systems store what they have not stored yet.
//! * `files directory PATH`: fails if that is not a directory.
//! * `files program PATH`: if the file is a program, shares it with the shell and writes [`PROGRAM`] and the handle, then waits
//!   to be killed, since the memory ends with who shares it. Otherwise it is a script: writes its content.
//!
//! The shell takes the first read or write to mean that the file is open. What goes wrong is said on the console, and the
//! exit status is the error's code, for whoever writes to the file.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use abi::TaskId;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use fs::{File, Read, Write};
use resea::{ExitStatus, eprintln, print, read_input, write_output};

/// What begins a program's file, and so no script.
pub const PROGRAM: &[u8] = b"\x7fELF";

/// Bytes that are read and written at once.
const PIECE: usize = 16 << 10;

/// Most bytes of a script.
const MAX_SCRIPT: u64 = 64 << 10;

/// Most bytes of names.
const MAX_NAMES: usize = 16 << 10;

/// Why it did not work: a sentence without its end, and the error.
struct Failure {
    text: String,
    error: abi::Error,
}

impl From<fs::Error> for Failure {
    fn from(error: fs::Error) -> Self {
        Self { text: format!("{error}"), error: error.kind }
    }
}

/// Does what the command line says.
pub fn run() -> ExitStatus {
    let mut arguments = resea::arguments();
    let mut next = || arguments.next().unwrap_or_default();
    let (what, path) = (next(), next());
    let result = match what {
        "to" => File::create(path).map_err(Failure::from).and_then(write),
        "onto" => {
            let file = File::options().append(true).create(true).open(path);
            file.map_err(Failure::from).and_then(write)
        }
        "from" => File::open(path).map_err(Failure::from).and_then(copy),
        // The shell rings a bell for what cannot be listed.
        "list" => return list(path, next()).map_or(ExitStatus::FAILURE, |()| ExitStatus::SUCCESS),
        "directory" => fs::read_dir(path).map(drop).map_err(Failure::from),
        "program" => program(path),
        "sync" => sync(),
        _ => {
            let text = "this program is for the shell: write `COMMAND > FILE` or `COMMAND < FILE`".into();
            Err(Failure { text, error: abi::Error::InvalidArgument })
        }
    };
    match result {
        Ok(()) => ExitStatus::SUCCESS,
        Err(failure) => {
            eprintln!("{}.", failure.text);
            ExitStatus(failure.error.code() as i32)
        }
    }
}

/// Has everything stored that can be. What cannot is said, but keeps nobody from halting the machine.
fn sync() -> Result<(), Failure> {
    // Without a name space there is nothing to store.
    for mount in fs::mounts().unwrap_or_default() {
        if mount.state == fs::MountState::Mounted
            && !mount.read_only
            && let Err(error) = fs::sync(&mount.point)
        {
            eprintln!("{error}.");
        }
    }
    Ok(())
}

/// Writes the input to the file.
fn write(mut file: File) -> Result<(), Failure> {
    let mut piece = vec![0; PIECE];
    loop {
        match read_input(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(count) => file.write_all(piece.get(..count).unwrap_or_default())?,
            Err(error) => {
                let text = format!("what belongs into {} cannot be read: {error}", file.path());
                return Err(Failure { text, error });
            }
        }
    }
}

/// Writes the file to the output.
fn copy(mut file: File) -> Result<(), Failure> {
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(()),
            count => write_output(piece.get(..count).unwrap_or_default()),
        }
    }
}

fn list(directory: &str, start: &str) -> Result<(), fs::Error> {
    let mut names = String::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        // A line each is no way to tell names with ends of lines; nobody can type those either.
        if entry.name().starts_with(start) && !entry.name().contains(char::is_control) {
            names.push_str(entry.name());
            names.push_str(if entry.is_dir() { "/\n" } else { "\n" });
        }
        if names.len() > MAX_NAMES {
            break;
        }
    }
    print!("{names}");
    Ok(())
}

fn program(path: &str) -> Result<(), Failure> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        let text = format!("{path} is a directory: `cd {path}` goes there");
        return Err(Failure { text, error: abi::Error::IsADirectory });
    }
    let mut start = [0; PROGRAM.len()];
    if file.read_at(&mut start, 0)? == start.len() && start == PROGRAM {
        return share(&file);
    }
    if metadata.len() > MAX_SCRIPT {
        let text =
            format!("{path} is neither a program nor a script: those have at most {} KiB", MAX_SCRIPT >> 10);
        return Err(Failure { text, error: abi::Error::TooLarge });
    }
    copy(file)
}

/// Shares the file with the shell, and waits to be killed.
fn share(file: &File) -> Result<(), Failure> {
    let mapped = file.map()?;
    let shell = resea::environment("OUTPUT").and_then(|task| task.parse::<TaskId>().ok());
    let granted = shell.ok_or(abi::Error::NoTask).and_then(|shell| mapped.memory().grant(shell, false));
    let handle = granted.map_err(|error| Failure {
        text: format!("{} cannot be shared with the shell: {error}", file.path()),
        error,
    })?;
    write_output(PROGRAM);
    print!("{}", handle.raw());
    resea::flush_output();
    loop {
        resea::wait();
    }
}
