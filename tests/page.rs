//! The page of the running system in a browser: it shows what happens while it happens, and its buttons work.

use system_tests::Nic;
use system_tests::browser::Browser;
use system_tests::online::Online;

/// Whether a row of a table's body has this text in one of its cells.
fn row(table: &str, text: &str) -> String {
    format!("[...document.querySelectorAll('#{table} td')].some(cell => cell.textContent === '{text}')")
}

/// Whether the graph has a node of this name.
fn node(name: &str) -> String {
    format!("[...document.querySelectorAll('#nodes text')].some(text => text.textContent === '{name}')")
}

/// The token that the system has printed for this page.
fn token(online: &mut Online) -> String {
    online.system.expect(" to its address", 0);
    let printed = online.system.transcript();
    let (_, rest) = printed.split_once("#token=").expect("the system prints its token");
    rest.chars().take_while(char::is_ascii_hexdigit).collect()
}

#[test]
fn the_page_shows_tasks_as_they_come_and_go() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut online = Online::boot(Nic::Virtio, folder.path());
    let url = format!("http://127.0.0.1:{}/", online.http);
    let mut browser = Browser::open(folder.path(), &url, (1280, 900));
    for task in ["vm", "dm", "tcpip", "webapi", "virtio_net", "shell"] {
        browser.wait_until(&format!("a row of {task}"), &row("tasks", task));
        browser.wait_until(&format!("a node of {task}"), &node(task));
    }
    browser.wait_until("a connection in the graph", "document.querySelectorAll('#edges path').length > 2");
    browser.wait_until(
        "the network's address",
        "document.getElementById('interfaces').textContent.includes('10.0.2.15')",
    );
    assert_eq!(browser.evaluate(&row("tasks", "sleep")), false, "nobody sleeps yet");

    online.system.succeed("sleep 100000 &");
    browser.wait_until("a row of the new task", &row("tasks", "sleep"));
    browser.wait_until("a node of the new task", &node("sleep"));
    online.system.succeed("echo seen in the browser");
    let log = "document.getElementById('log').textContent.includes('seen in the browser')";
    browser.wait_until("what was printed, in the log", log);

    online.system.succeed("kill sleep");
    browser.wait_until("no row of the ended task", &format!("!({})", row("tasks", "sleep")));
    browser.wait_until("no node of the ended task", &format!("!({})", node("sleep")));
    online.system.halt();
}

#[test]
fn a_driver_is_restarted_from_the_page_by_who_has_the_token() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut online = Online::boot(Nic::Virtio, folder.path());
    let token = token(&mut online);
    let url = format!("http://127.0.0.1:{}/", online.http);
    let mut browser = Browser::open(folder.path(), &url, (1280, 900));
    let button = "[...document.querySelectorAll('#devices button')].find(button => !button.hidden)";
    browser.wait_until("a button to restart a driver", &format!("!!{button}"));
    let starts = "[...document.querySelectorAll('#devices tr')].find(row => row.cells[0].textContent === 'net0').cells[4].textContent";
    assert_eq!(browser.evaluate(starts), "1");

    // A wrong token does nothing but get an answer.
    browser.evaluate(&format!("sessionStorage.setItem('token', '{}'); {button}.click()", "0".repeat(32)));
    browser.wait_until("a refusal", "document.getElementById('restarted').textContent !== ''");
    assert!(
        online
            .system
            .succeed("lspci")
            .lines()
            .any(|line| line.contains("net0") && line.trim_end().ends_with('1'))
    );

    browser.evaluate(&format!("document.getElementById('restarted').textContent = ''; {button}.click()"));
    browser.wait_until("the question for the token", "document.getElementById('ask').open");
    browser.evaluate(&format!(
        "document.getElementById('token').value = '{token}'; document.querySelector('#ask button.primary').click()"
    ));
    browser.wait_until("the second start of the driver", &format!("{starts} === '2'"));
    browser.wait_until("the page to be live again", "document.getElementById('lost').hidden");
    online.system.halt();
}

#[test]
fn the_page_fits_into_a_narrow_window() {
    let folder = tempfile::tempdir().expect("a folder");
    let online = Online::boot(Nic::Virtio, folder.path());
    let url = format!("http://127.0.0.1:{}/", online.http);
    let mut browser = Browser::open(folder.path(), &url, (500, 800));
    browser.wait_until("a row of vm", &row("tasks", "vm"));
    let fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth";
    browser.wait_until("nothing wider than the window", fits);
    online.system.halt();
}
