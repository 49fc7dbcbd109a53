//! A tracker and two who join it: what one shares, the other is told, and fetches. All of it sealed, on real sockets.

use super::{ANY, PATIENCE, TICK};
use crate::{
    args::{Args, Command, Demo, Login},
    commands::{
        node::{Arrival, Node, Plan},
        output::print,
        tracker,
        words::of_trouble,
    },
    exit::{Code, Failure},
    gate::Gate,
    identity::{Home, Identity},
    member::{Accept, Event, Travel},
    progress::Summary,
    url::{Host, Url},
};
use clap::Parser;
use indicatif::HumanBytes;
use mio::{Events, Waker};
use serde_json::json;
use skep_core::{seal::layer::Access, wire::session::FileInfo};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant as Clock},
};

const OWNER: &str = "ana";
const GUEST: &str = "ben";
const FILE: &str = "bee.jpg";
const LATER: &str = "honey.txt";

/// Shows it. `content` is the file that is shared.
pub(super) fn run(demo: &Demo, directory: &Path, content: &Path) -> Result<(), Failure> {
    let cannot = |error: &io::Error| Failure::cannot("write the files", error);
    let shared = directory.join(OWNER).join("shared");
    fs::create_dir_all(&shared).map_err(|error| cannot(&error))?;
    fs::copy(content, shared.join(FILE)).map_err(|error| cannot(&error))?;
    fs::write(shared.join(LATER), LATER).map_err(|error| cannot(&error))?;
    let tracker = Aside::tracker(&directory.join("tracker"))?;
    let say = Say { json: demo.json };
    say.line("\na tracker, and two who join it; everything is sealed\n")?;
    let mut owner = Aside::owner(&tracker.link, &directory.join(OWNER), &shared)?;
    let downloads = directory.join(GUEST).join("downloads");
    let mut guest = join(&tracker.link, GUEST, &directory.join(GUEST), None, &downloads)?;
    let began = Clock::now();
    wait(&mut guest, |event| matches!(event, Event::Listed).then_some(Ok(())))?;
    say.step("logged in", GUEST, began.elapsed(), None)?;
    owner.go_on();
    let shared_at = wait(&mut guest, |event| {
        matches!(event, Event::Shared { name, .. } if **name == *LATER).then(|| Ok(Clock::now()))
    })?;
    let told_at = owner.shared_at().ok_or_else(|| Failure::network("the notice came from nowhere"))?;
    say.step("told of a new file", GUEST, shared_at.saturating_duration_since(told_at), None)?;
    for relayed in [false, true] {
        let got = fetch(&mut guest, relayed)?;
        let path = downloads.join(FILE);
        let equal =
            super::same(content, &path).map_err(|error| Failure::cannot("compare the files", &error))?;
        fs::remove_file(&path).map_err(|error| Failure::cannot("remove the file", &error))?;
        let what = if relayed { "fetched through the tracker" } else { "fetched from ana's door" };
        say.step(what, GUEST, got.elapsed, Some((&got, equal)))?;
        if !equal {
            return Err(Failure::new(Code::Network, "what arrived is not what was sent"));
        }
    }
    guest.leave()
}

/// What a download came to.
struct Got {
    bytes: u64,
    elapsed: Duration,
    travel: Travel,
}

fn fetch(guest: &mut Node, relayed: bool) -> Result<Got, Failure> {
    let began = Clock::now();
    let now = guest.driver.now();
    let asked = guest.driver.service.download(now, (OWNER, FILE), FILE, relayed);
    asked.ok_or_else(|| Failure::network("the file cannot be asked for"))?;
    let travel = wait(guest, |event| match event {
        Event::Getting { travel, .. } => Some(Ok(*travel)),
        Event::Got { outcome: Err(trouble), .. } => Some(Err(Failure::network(of_trouble(trouble)))),
        _ => None,
    })?;
    let bytes = wait(guest, |event| match event {
        Event::Got { outcome: Ok(bytes), .. } => Some(Ok(*bytes)),
        Event::Got { outcome: Err(trouble), .. } => Some(Err(Failure::network(of_trouble(trouble)))),
        _ => None,
    })?;
    Ok(Got { bytes, elapsed: began.elapsed(), travel })
}

/// Goes on until something was told.
fn wait<T>(node: &mut Node, is_it: impl Fn(&Event) -> Option<Result<T, Failure>>) -> Result<T, Failure> {
    let until = Clock::now() + PATIENCE;
    loop {
        while let Some(event) = node.news.pop_front() {
            if let Some(found) = is_it(&event) {
                return found;
            }
            if let Event::Offline { code } | Event::Over { code } = event {
                return Err(Failure::network(format!("the tracker is lost: {code}")));
            }
        }
        if Clock::now() >= until {
            return Err(Failure::network(format!("nothing happened for {} s", PATIENCE.as_secs())));
        }
        node.turn(Some(TICK))?;
    }
}

fn join(
    link: &str,
    name: &str,
    home: &Path,
    shared: Option<&Path>,
    downloads: &Path,
) -> Result<Node, Failure> {
    let url: Url = link.parse().map_err(|error| Failure::usage(format!("{error}")))?;
    let login = Login {
        server: None,
        link_file: None,
        name: Some(name.to_owned()),
        password: false,
        password_file: None,
        key: Some(home.join("key")),
        via: None,
        timeout: PATIENCE,
    };
    Identity::load_or_make(&home.join("key"))?;
    let door = Host { name: ANY.ip().to_string(), port: 0 };
    let plan = Plan {
        shared,
        downloads,
        replace: true,
        wants_list: true,
        accept: Accept::All,
        door: Some(Some(&door)),
        plain: false,
    };
    Node::new(Arrival::new(&url, &login, name)?, &plan)
}

/// Somebody in a thread. Dropped, he ends.
struct Aside {
    link: String,
    stop: Arc<AtomicBool>,
    go: Arc<AtomicBool>,
    shared_at: Arc<Mutex<Option<Clock>>>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
}

impl Aside {
    fn new(waker: Arc<Waker>) -> Self {
        let (stop, go) = (Arc::default(), Arc::default());
        Self { link: String::new(), stop, go, shared_at: Arc::default(), waker, thread: None }
    }

    fn spawn(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
        self.thread = Some(thread.map_err(|error| Failure::cannot("start a thread", &error))?);
        Ok(())
    }

    fn tracker(directory: &Path) -> Result<Self, Failure> {
        let line = ["skep", "tracker", "--quiet", "--listen", &ANY.to_string()];
        let args = Args::try_parse_from(line).map_err(|error| Failure::usage(error.to_string()))?;
        let Command::Tracker(args) = args.command else { return Err(Failure::usage("no tracker")) };
        let home = Home::at(directory);
        let identity = Identity::load_or_make(home.key())?;
        let (mut driver, house) = tracker::driver(&args, &home, &identity, &directory.join("state"))?;
        let gate = Gate::new(house as Arc<Mutex<dyn Access + Send>>);
        driver.identify(identity.secret(), gate).map_err(|error| Failure::cannot("start", &error))?;
        let places = tracker::listen(&mut driver, &args, &identity)?;
        let mut aside = Self::new(driver.waker());
        let link = places.link().ok_or_else(|| Failure::network("the tracker listens nowhere"))?;
        aside.link = link.to_owned();
        let stop = Arc::clone(&aside.stop);
        aside.spawn("tracker", move || {
            let mut events = Events::with_capacity(64);
            while !stop.load(Ordering::Relaxed) && driver.turn(&mut events, Some(TICK)).is_ok() {
                driver.events.clear();
                driver.gone.clear();
                let now = driver.now();
                driver.service.settle_stored(now);
                driver.service.take_reports();
            }
            driver.abort_all();
        })?;
        Ok(aside)
    }

    /// Joins and shares a file; when he is told to go on, another one.
    fn owner(link: &str, home: &Path, shared: &Path) -> Result<Self, Failure> {
        let mut node = join(link, OWNER, home, Some(shared), &home.join("downloads"))?;
        let mut aside = Self::new(node.driver.waker());
        let (stop, go) = (Arc::clone(&aside.stop), Arc::clone(&aside.go));
        let (shared, shared_at): (PathBuf, _) = (shared.to_owned(), Arc::clone(&aside.shared_at));
        publish(&mut node, &shared, FILE)?;
        wait(&mut node, |event| matches!(event, Event::Listed).then_some(Ok(())))?;
        aside.spawn(OWNER, move || {
            while !stop.load(Ordering::Relaxed) && node.turn(Some(TICK)).is_ok() {
                node.news.clear();
                if go.swap(false, Ordering::Relaxed) {
                    if let Ok(mut at) = shared_at.lock() {
                        *at = Some(Clock::now());
                    }
                    let _ = publish(&mut node, &shared, LATER);
                }
            }
        })?;
        Ok(aside)
    }

    fn go_on(&mut self) {
        self.go.store(true, Ordering::Relaxed);
        let _ = self.waker.wake();
    }

    fn shared_at(&self) -> Option<Clock> {
        *self.shared_at.lock().ok()?
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.waker.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn publish(node: &mut Node, shared: &Path, name: &str) -> Result<(), Failure> {
    let content = fs::read(shared.join(name)).map_err(|error| Failure::cannot("read the file", &error))?;
    let hash = Some(*blake3::hash(&content).as_bytes());
    node.driver.service.publish(name, FileInfo { length: content.len() as u64, flags: 0, hash });
    Ok(())
}

/// Prints a line as soon as there is one.
struct Say {
    json: bool,
}

impl Say {
    fn line(&self, line: &str) -> Result<(), Failure> {
        if self.json { Ok(()) } else { print(format_args!("{line}\n")) }
    }

    fn step(
        &self,
        step: &str,
        who: &str,
        elapsed: Duration,
        got: Option<(&Got, bool)>,
    ) -> Result<(), Failure> {
        let seconds = elapsed.as_secs_f64();
        let rate = |got: &Got| Summary { bytes: got.bytes, elapsed, resent: None }.rate();
        if self.json {
            let mut line = json!({"step": step, "user": who, "seconds": seconds});
            if let Some((got, equal)) = got {
                line["way"] = got.travel.as_str().into();
                line["bytes"] = got.bytes.into();
                line["rate"] = rate(got).into();
                line["equal"] = equal.into();
            }
            return print(format_args!("{line}\n"));
        }
        let rest = got.map_or_else(String::new, |(got, equal)| {
            let equal = if equal { "equal" } else { "DIFFERS" };
            format!("{:>12}/s  {:<8} {equal}", HumanBytes(rate(got)).to_string(), got.travel.as_str())
        });
        self.line(format!("{who} {step:<32} {:>9.3} ms {rest}", seconds * 1_000.0).trim_end())
    }
}
