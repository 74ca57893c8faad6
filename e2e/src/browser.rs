//! A real Chromium that a guest would use, driven by `WebDriver`. It reads the terminal as a screen reader does.

use std::{fs, path::Path, process::Stdio, time::Duration};

use anyhow::{Context, Result};
use fantoccini::{
    Client, ClientBuilder, Locator,
    actions::{InputSource, KeyAction, KeyActions},
    wd::WebDriverCompatibleCommand,
};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};
use url::{ParseError, Url};

use crate::{settings, waiting};

/// Without these, Chromium asks hosts of its maker at every start, and refuses to run as root.
const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // A page at a name of this machine itself is never without a network.
    "--host-resolver-rules=MAP *.test 127.0.0.1",
];

/// Switches the readable copy on, and keeps what is said of the session from now on.
const PREPARE: &str = "document.getElementById('reader').click();\
    const status = document.getElementById('status');\
    window.said = [];\
    const note = () => { if (!status.hidden) window.said.push(status.innerText); };\
    note();\
    new MutationObserver(note).observe(status, \
        { attributes: true, characterData: true, childList: true, subtree: true });";

/// The button on the page of an agent that sleeps, as an `XPath`.
pub const WAKE: &str = "//button[text()='Wake agent']";

/// The window that a guest has.
#[derive(Clone, Copy, Debug)]
pub enum Window {
    Desktop,
    /// 360 by 740 points, touch.
    Phone,
}

/// One browser with one page. Its processes end when it is dropped.
pub struct Browser {
    pub page: Client,
    _driver: Child,
}

impl Browser {
    /// Starts a browser with a profile of its own.
    pub async fn start(window: Window) -> Result<Self> {
        // In a process namespace of its own: whatever it starts ends with it, also after a failed test.
        let mut driver = Command::new("unshare")
            .args([
                "--pid",
                "--fork",
                "--mount-proc",
                "--kill-child=KILL",
                "chromedriver",
                "--port=0",
            ])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("chromedriver does not start")?;
        let port = port(&mut driver).await?;
        let page = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(window))
            .connect(&format!("http://127.0.0.1:{port}"))
            .await?;
        Ok(Self { page, _driver: driver })
    }

    /// Opens a share link, with the readable copy of the screen switched on.
    pub async fn open(&self, token: &str) -> Result<()> {
        self.open_at(&settings::gateway()?, token).await
    }

    /// As [`Browser::open`], at a gateway of one's choice.
    pub async fn open_at(&self, gateway: &str, token: &str) -> Result<()> {
        self.page.goto(&format!("{gateway}/s/{token}")).await?;
        self.page.execute(PREPARE, vec![]).await?;
        Ok(())
    }

    /// The text of the terminal's screen.
    pub async fn screen(&self) -> Result<String> {
        let script = "return [...document.querySelectorAll('.xterm-accessibility [role=listitem]')]\
                      .map(row => row.textContent).join('\\n')";
        let text = self.page.execute(script, vec![]).await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// What the page says of the session; empty when it says nothing.
    pub async fn status(&self) -> Result<String> {
        let script = "const s = document.getElementById('status');\
                      return s === null || s.hidden ? '' : s.innerText";
        let text = self.page.execute(script, vec![]).await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Waits until the screen shows `text`.
    pub async fn shows(&self, text: &str, bound: Duration) -> Result<Duration> {
        let what = format!("the screen shows {text:?}");
        let asked = waiting::until(&what, bound, || async {
            Ok(self.screen().await?.contains(text).then_some(()))
        });
        match asked.await {
            Ok(((), took)) => Ok(took),
            Err(error) => {
                let (screen, status) = (self.screen().await?, self.status().await?);
                Err(error.context(format!("status: {status}\nscreen:\n{screen}")))
            }
        }
    }

    /// Waits until the page says `text` of the session.
    pub async fn says(&self, text: &str, bound: Duration) -> Result<Duration> {
        told(&format!("the page says {text:?}"), text, bound, async || self.status().await).await
    }

    /// Waits until the page has said `text` of the session since it was opened, however shortly.
    pub async fn has_said(&self, text: &str, bound: Duration) -> Result<Duration> {
        told(&format!("the page has said {text:?}"), text, bound, async || self.said().await).await
    }

    /// Everything that the page has said of the session since it was opened.
    pub async fn said(&self) -> Result<String> {
        let text = self.page.execute("return window.said.join('\\n')", vec![]).await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Types into the terminal, key by key.
    pub async fn types(&self, text: &str) -> Result<()> {
        let input = self.page.find(Locator::Css(".xterm-helper-textarea")).await?;
        self.page.execute("arguments[0].focus()", vec![serde_json::to_value(&input)?]).await?;
        let mut keys = KeyActions::new("keyboard".to_owned());
        for value in text.chars() {
            // WebDriver's code point of the Enter key (WebDriver, 17.4.2).
            let value = if value == '\n' { '\u{e007}' } else { value };
            keys = keys.then(KeyAction::Down { value }).then(KeyAction::Up { value });
        }
        Ok(self.page.perform_actions(keys).await?)
    }

    /// Whether the browser has a network: without one it says so to the page, which is all that this does to connections
    /// that are open.
    pub async fn network(&self, is_there: bool) -> Result<()> {
        self.page.issue_cmd(Network { is_there }).await?;
        Ok(())
    }

    /// Writes what a guest sees to `{name}.png` among the artifacts.
    pub async fn screenshot(&self, name: &str) -> Result<()> {
        let folder = settings::artifacts()?;
        fs::create_dir_all(&folder)?;
        write(&folder.join(format!("{name}.png")), &self.page.screenshot().await?)
    }
}

/// Chromedriver's command for the `DevTools` protocol's `Network.emulateNetworkConditions`.
#[derive(Debug)]
struct Network {
    is_there: bool,
}

impl WebDriverCompatibleCommand for Network {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        let limits = json!({
            "offline": !self.is_there, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1,
        });
        let body = json!({ "cmd": "Network.emulateNetworkConditions", "params": limits });
        (Method::POST, Some(body.to_string()))
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| path.display().to_string())
}

/// Chromedriver picks a free port and says which.
async fn port(driver: &mut Child) -> Result<u16> {
    let stdout = driver.stdout.take().context("chromedriver has no stdout")?;
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next_line().await? {
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            return Ok(port.trim_end_matches('.').parse()?);
        }
    }
    anyhow::bail!("chromedriver ended before it listened")
}

fn capabilities(window: Window) -> serde_json::Map<String, Value> {
    let mut arguments: Vec<Value> = FLAGS.iter().map(|flag| json!(flag)).collect();
    let mut options = json!({});
    match window {
        Window::Desktop => arguments.push(json!("--window-size=1280,800")),
        Window::Phone => {
            // Emulation alone leaves the surface at the desktop's scale, and the picture is wrong.
            arguments.push(json!("--force-device-scale-factor=3"));
            options["mobileEmulation"] = json!({ "deviceMetrics": { "width": 360, "height": 740, "pixelRatio": 3.0, "touch": true } });
        }
    }
    options["args"] = Value::Array(arguments);
    let mut capabilities = serde_json::Map::new();
    // A test's own authority is none that a browser knows.
    capabilities.insert("acceptInsecureCerts".to_owned(), json!(true));
    capabilities.insert("goog:chromeOptions".to_owned(), options);
    capabilities
}

/// Waits until `text` is in what is said.
async fn told(
    what: &str,
    text: &str,
    bound: Duration,
    said: impl AsyncFn() -> Result<String>,
) -> Result<Duration> {
    let asked =
        waiting::until(what, bound, || async { Ok(said().await?.contains(text).then_some(())) });
    match asked.await {
        Ok(((), took)) => Ok(took),
        Err(error) => Err(error.context(format!("it said: {}", said().await?))),
    }
}
