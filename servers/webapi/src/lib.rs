//! The web server: the system's state as JSON, and a page that shows it live. docs/webapi.md says what is at which
//! address.
//!
//! * [`http`]: HTTP as a state machine, which knows neither sockets nor time.
//! * [`server`]: the event loop's body, over a [`network::Network`].
//! * [`site`]: what is at which address; [`api`]: the documents, made of a [`system::System`].
//!
//! Relies on tcpip for connections, on dm for devices, on random for the token. When tcpip ends, all connections end with it,
//! and the server listens again as soon as it is back. Nobody calls this program, so it may wait for any of them.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod api;
pub mod http;
mod json;
pub mod network;
mod resea_network;
mod resea_system;
pub mod server;
pub mod site;
pub mod system;

use abi::{Error, NOTIFY_CHILD, NOTIFY_TIMER};
use api::Hidden;
use core::time::Duration;
use resea::{Never, TaskId};
use resea_network::Sockets;
use resea_system::Resea;
use server::Server;
use site::{Site, Token};

/// Where clients connect.
const PORT: u16 = 80;

/// What a tick of the server is.
const SECOND: Duration = Duration::from_secs(1);

/// How long to wait before listening is tried again while the port is in use: tcpip may not know yet that the task which
/// had it has ended.
const RETRY: Duration = Duration::from_millis(10);

/// How often that is tried.
const TRIES: usize = 500;

/// Serves for ever.
///
/// Errors: it cannot listen.
pub fn run() -> Result<Never, net::Error> {
    let mut sockets = listen()?;
    resea::info!("listening on port {PORT}");
    let mut system = Resea::default();
    let token = make_token();
    let hidden = Hidden::printed(&mut system, |_| match &token {
        Some(token) => {
            resea::info!("to restart drivers from the page, add #token={} to its address", token.text())
        }
        None => resea::warn!(
            "there are no random numbers, so there is no token: drivers cannot be restarted from the page"
        ),
    });
    let mut site = Site::new(system, token, hidden);
    loop {
        site = serve(sockets, site);
        sockets = listen()?;
        resea::info!("tcpip has ended, and all connections with it; listening on port {PORT} again");
    }
}

fn listen() -> net::Result<Sockets> {
    for _ in 1..TRIES {
        match Sockets::listen(PORT) {
            Err(failed) if failed.server_ended() || failed.kind == Error::AddressInUse => resea::sleep(RETRY),
            answer => return answer,
        }
    }
    Sockets::listen(PORT)
}

/// A token, if there are random numbers.
fn make_token() -> Option<Token> {
    let random = interfaces::random::Client::new(resea::lookup(interfaces::random::NAME).ok()?);
    let mut bytes = [0; _];
    (random.read(&mut bytes) == Ok(bytes.len())).then(|| Token::new(bytes))
}

/// Serves until tcpip ends.
fn serve(sockets: Sockets, site: Site<Resea>) -> Site<Resea> {
    let tcpip = sockets.server_task();
    let mut server = Server::new(sockets, site);
    // An error says that tcpip is gone.
    let _ = handle_notifications(&mut server, tcpip);
    server.into_service()
}

/// Handles what happens, until there are no sockets any more.
fn handle_notifications(server: &mut Server<Sockets, Site<Resea>>, tcpip: TaskId) -> Result<Never, Error> {
    resea::watch(tcpip)?;
    server.ready()?;
    let mut is_ticking = false;
    loop {
        if server.needs_ticks() && !is_ticking {
            ipc::timer(SECOND.as_nanos() as u64);
            is_ticking = true;
        }
        let bits = resea::wait();
        if bits & net::NOTIFY_READY != 0 {
            server.ready()?;
        }
        if bits & NOTIFY_TIMER != 0 {
            is_ticking = false;
            server.tick()?;
        }
        if bits & NOTIFY_CHILD != 0 {
            while let Some(exit) = resea::next_exit()? {
                if exit.task == tcpip {
                    return Err(Error::Aborted);
                }
            }
        }
    }
}
