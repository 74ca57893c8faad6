//! What real browsers draw of one terminal, pixel by pixel, and after a time without a network.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::{
    browser::{Browser, Window},
    cluster::Space,
    guest::PATIENCE,
    pods, settings, stand_in, waiting,
};
use fantoccini::Locator;
use fixtures::Cable;
use tokio::time::{Instant, interval};

/// Draws at random places in all colours and styles, with wide and joined characters, and scrolls, shifts and erases, until a key
/// is pressed; without a cursor, which would blink.
const PAINTER: &str = r#"
stty raw -echo
printf '\e[?1049h\e[?25l\e[?7l\e[2J'
words=('plain' '日本語' 'e\u0301tude' '┌──┐│└──┘' '👩' 'tab\there' 'a b c')
n=0
(while [ ! -e /tmp/stop ]; do
  printf '\e[%d;%dH\e[0;%d;38;5;%d;48;2;%d;%d;%dm%b %d' $((RANDOM % 30 + 1)) $((RANDOM % 100 + 1))     $((RANDOM % 9 == 4 ? 7 : RANDOM % 5)) $((RANDOM % 256)) $((RANDOM % 256)) $((RANDOM % 256)) $((RANDOM % 256))     "${words[RANDOM % 7]}" $n
  case $((RANDOM % 12)) in
    0) printf '\e[%dS' $((RANDOM % 3 + 1));; 1) printf '\e[%dT' $((RANDOM % 3 + 1));; 2) printf '\e[%dL' $((RANDOM % 3 + 1));;
    3) printf '\e[%dP' $((RANDOM % 9 + 1));; 4) printf '\e[%d@' $((RANDOM % 9 + 1));; 5) printf '\e[%dX' $((RANDOM % 20 + 1));;
    6) printf '\e[0m\e[%dK' $((RANDOM % 3));;
  esac
  n=$((n + 1))
  sleep 0.005
done
printf '\e[0m\e[1;1Hstopped.') &
head -c 1 > /tmp/key; touch /tmp/stop
exec cat
"#;

/// A line every four seconds: all of them fit on a screen. What is typed goes to a file.
const CLOCK: &str = r"
stty raw -echo
(n=0; while [ $n -lt 300 ]; do printf 'line %d.\r\n' $n; n=$((n + 1)); sleep 4; done) & exec cat >> /tmp/typed
";

/// How long there is no network.
const OFFLINE: Duration = Duration::from_secs(30);
/// A page notices within half a minute that nothing comes any more, and is told then that it has no network.
const LAST: usize = 20;
/// Typed meanwhile.
const TYPED: &str = "in the dark";

#[tokio::test]
async fn who_joins_in_the_middle_of_output_is_drawn_the_same_pixels() -> Result<()> {
    let space = Space::new("pixels").await?;
    let (token, _) = stand_in::agent(&space, "painter", PAINTER).await?;
    let first = Browser::start(Window::Desktop).await?;
    first.open(&token).await?;
    first.shows("日本語", PATIENCE).await?;
    let second = Browser::start(Window::Desktop).await?;
    second.open(&token).await?;
    second.shows("日本語", PATIENCE).await?;
    first.types("x").await?;
    for page in [&first, &second] {
        page.shows("stopped.", PATIENCE).await?;
    }
    let same = waiting::until("both browsers show the same", PATIENCE, || async {
        Ok((pixels(&first).await? == pixels(&second).await?).then_some(()))
    });
    if let Err(error) = same.await {
        first.screenshot("pixels-first").await?;
        second.screenshot("pixels-second").await?;
        return Err(error);
    }
    // They are no two empty screens.
    let screen = first.screen().await?;
    ensure!(screen.split_whitespace().count() > 50, "little is drawn: {screen}");
    space.delete().await
}

#[tokio::test]
async fn half_a_minute_without_a_network_loses_no_character_and_empties_no_screen() -> Result<()> {
    let space = Space::new("offline").await?;
    let (token, pod) = stand_in::agent(&space, "clock", CLOCK).await?;
    let gateway = settings::gateway()?.trim_start_matches("http://").parse()?;
    let cable = Cable::to(gateway).await;
    let guest = Browser::start(Window::Desktop).await?;
    guest.open_at(&format!("http://gateway.test:{}", cable.address.port()), &token).await?;
    guest.shows("line 1.", PATIENCE).await?;

    cable.cut();
    guest.network(false).await?;
    guest.says("offline", PATIENCE).await?;
    guest.types(TYPED).await?;
    let (end, mut looks) = (Instant::now() + OFFLINE, interval(Duration::from_secs(1)));
    while looks.tick().await < end {
        let screen = guest.screen().await?;
        ensure!(screen.contains("line 1."), "the screen was emptied: {screen}");
    }
    cable.mend();
    guest.network(true).await?;

    // Written when it has been back for a while.
    guest.shows(&format!("line {LAST}."), PATIENCE).await?;
    let screen = guest.screen().await?;
    for line in 0..=LAST {
        ensure!(screen.contains(&format!("line {line}.")), "line {line} is missing: {screen}");
    }
    let (typed, _) = waiting::until("what was typed arrives", PATIENCE, || async {
        let typed = pods::exec(&space, &pod, &["cat", "/tmp/typed"]).await?;
        Ok((typed.len() >= TYPED.len()).then_some(typed))
    })
    .await?;
    ensure!(typed == TYPED, "the program read {typed:?}");
    space.delete().await
}

/// The screen as it is drawn, without what the page says beside it.
async fn pixels(browser: &Browser) -> Result<Vec<u8>> {
    Ok(browser.page.find(Locator::Css(".xterm-screen")).await?.screenshot().await?)
}
