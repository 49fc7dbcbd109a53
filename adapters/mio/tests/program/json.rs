//! What `--json` prints is what docs/json.md says, field by field.

use std::collections::{BTreeMap, BTreeSet};

use rustix::process::Signal;
use serde_json::Value;

use crate::{
    join::hub::{Hub, until_told},
    support::{Home, until},
};

const DOCUMENT: &str = include_str!("../../../../docs/json.md");

/// Words among the names of fields that are none.
const OTHER_WORDS: [&str; 3] = ["null", "get", "find"];

type Words = BTreeSet<String>;

/// What the document says of some commands.
struct Section(&'static str);

impl Section {
    fn new(title: &str) -> Self {
        let (_, rest) = DOCUMENT.split_once(&format!("## {title}\n")).unwrap_or_else(|| panic!("no {title}"));
        Self(rest.split("\n## ").next().unwrap())
    }

    /// The words in code of its rows, by those of their first column.
    fn rows(&self) -> BTreeMap<Vec<String>, Words> {
        let rows = self.0.lines().filter(|line| line.starts_with("| `")).map(|line| {
            let mut columns = line.trim_matches('|').split(" | ");
            let events = in_code(columns.next().unwrap()).collect();
            (events, in_code(columns.last().unwrap()).collect())
        });
        rows.collect()
    }

    /// A table of events has all that were printed, and each with its fields. `rare` are events that need not have been.
    fn describes_events(&self, printed: &[Value], common: &[&str], rare: &[&str]) {
        let mut printed_of: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for line in printed {
            let mut line = line.clone();
            let event = printed_of.entry(line["event"].as_str().unwrap().to_owned().leak()).or_default();
            common.iter().for_each(|field| _ = line.as_object_mut().unwrap().remove(*field));
            event.push(line);
        }
        for (events, fields) in self.rows() {
            let lines: Vec<_> =
                events.iter().flat_map(|event| printed_of.remove(&**event).unwrap_or_default()).collect();
            if lines.is_empty() && events.iter().all(|event| rare.contains(&&**event)) {
                continue;
            }
            let fields = fields.into_iter().filter(|word| !events.contains(word)).collect();
            agree(&events.join(", "), &fields, &Value::Array(lines));
        }
        assert!(printed_of.is_empty(), "not in the document: {printed_of:?}");
    }
}

/// The words that stand in code.
fn in_code(text: &str) -> impl Iterator<Item = String> {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
    let spans = text.split('`').skip(1).step_by(2);
    let words = spans.flat_map(move |span| span.split(move |c| !is_word(c)));
    words.filter(|word| word.starts_with(|c: char| c.is_ascii_lowercase())).map(str::to_owned)
}

/// The names of all fields in a value, and its strings.
fn gather(value: &Value, fields: &mut Words, strings: &mut Words) {
    match value {
        Value::Object(object) => object.iter().for_each(|(name, value)| {
            fields.insert(name.clone());
            gather(value, fields, strings);
        }),
        Value::Array(values) => values.iter().for_each(|value| gather(value, fields, strings)),
        Value::String(string) => _ = strings.insert(string.clone()),
        _ => {}
    }
}

/// Every field that was printed is documented, and every word that is documented was printed.
fn agree(what: &str, documented: &Words, printed: &Value) {
    let (mut fields, mut strings) = (Words::new(), OTHER_WORDS.map(str::to_owned).into());
    gather(printed, &mut fields, &mut strings);
    let missing: Vec<_> = fields.difference(documented).collect();
    assert!(missing.is_empty(), "{what}: docs/json.md lacks {missing:?}");
    let gone: Vec<_> =
        documented.iter().filter(|word| !fields.contains(*word) && !strings.contains(*word)).collect();
    assert!(gone.is_empty(), "{what}: docs/json.md has {gone:?}, which {printed} has not");
}

fn parse(text: impl AsRef<[u8]>) -> Value {
    serde_json::from_slice(text.as_ref()).unwrap()
}

/// The lines that are JSON.
fn lines(text: &str) -> Vec<Value> {
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[test]
fn of_a_transfer() {
    let home = Home::new();
    home.write("shared/file", "content");
    let server = home.serve("");
    let documented =
        in_code(Section::new("`get --json`, `put --json`").0).filter(|word| word != "o").collect();
    for line in ["get -q --json {}file", "put -q --json file {}"] {
        for scheme in ["tcp", "rdt"] {
            let ended = home.run(&line.replace("{}", &server.url(scheme, ""))).well();
            agree("get, put", &documented, &parse(ended.out));
        }
    }
}

#[test]
fn of_the_demo() {
    let home = Home::new();
    let out = String::from_utf8(home.run("demo --json --size 10K").well().out).unwrap();
    let printed = lines(&out);
    assert_eq!(printed.len(), out.lines().count());
    agree("demo", &in_code(Section::new("`demo --json`").0).collect(), &Value::Array(printed));
}

#[test]
fn of_a_list() {
    let hub = Hub::new("");
    let _ana = hub.join("ana", "");
    hub.share("ana", "file", "content");
    let documented = in_code(Section::new("`ls --json`, `find --json`").0).collect();
    for command in ["ls", "find file"] {
        let ended = hub.run("eva", &format!("{command} -s {} -u eva --json", hub.link())).well();
        agree(command, &documented, &parse(ended.out));
    }
}

#[test]
fn of_an_admin() {
    let hub = Hub::new("");
    let _ana = hub.join("ana", "");
    let admin = |line: &str| parse(hub.tracker.admin(&hub.home, &format!("--json {line}")));
    assert!(admin("role ana admin").is_string());
    for who in ["--name bob", "--address 192.0.2.0/24", "--key hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo"] {
        assert!(admin(&format!("ban {who} --reason spam")).is_string());
    }
    hub.run("eva", &format!("ls -s {} -u eva", hub.link())).well();
    let rows = Section::new("`admin --json`").rows();
    assert_eq!(rows.len(), 6);
    for (command, fields) in rows {
        let answer = admin(match &*command[0] {
            "invite" => "invite cyd",
            command => command,
        });
        assert!(answer.is_string() == (command[0] == "invite"), "{answer}");
        agree(&command[0], &fields, &answer);
    }
}

#[test]
fn of_a_member_and_of_a_tracker_that_logs() {
    let hub = Hub::new("--log json --max-users 2 --max-files 1");
    let ana = hub.join("ana", "--via tcp --json");
    hub.share("ana", "file", "content");
    hub.home.write("ana-shares/12:30", "content");
    until_told(&ana, "\"not-shared\"");
    hub.home.write("ana-shares/one-too-many", "content");
    until_told(&ana, "\"not-published\"");
    std::fs::remove_file(hub.home.path("ana-shares/one-too-many")).unwrap();
    let eva = hub.join("eva", "--via tcp --json");
    let bob = hub.start("bob", &hub.line("bob", "--via tcp --json"));
    until_told(&bob, "\"waiting\"");
    eva.send(Signal::TERM);
    let eva = eva.end().well();
    until_told(&bob, "\"listed\"");
    until_told(&ana, "\"bob\"");
    hub.home.run_as("tracker", "admin kick bob").well();
    let bob = bob.end().with(1);
    hub.get("eva", ("ana", "file"), "-o got").well();
    hub.run("eva", &format!("ls -s {} -u ana", hub.link())).with(1);
    hub.run("eva", &format!("admin list -s {}", hub.link())).with(1);
    std::fs::remove_file(hub.home.path("ana-shares/file")).unwrap();
    until_told(&ana, "\"not-sharing\"");
    let cyd = hub.join("cyd", "--via tcp --json");
    hub.home.write("ana-shares/other", "content");
    until_told(&cyd, "\"shared\"");
    std::fs::remove_file(hub.home.path("ana-shares/other")).unwrap();
    until_told(&cyd, "\"unshared\"");
    cyd.send(Signal::TERM);
    let cyd = cyd.end().well();
    let strict = Hub::new("--log json --accounts fixed");
    strict.run("eva", &format!("ls -s {} -u eva --timeout 2", strict.link())).with(3);
    let tracker = hub.tracker.stop().err + &strict.tracker.stop().err;
    assert_eq!(lines(&tracker).len(), tracker.lines().count(), "{tracker}");
    until("its loss", || ana.out().contains("\"offline\"").then_some(()));
    ana.send(Signal::TERM);
    let ana = ana.end().well();

    let told = [ana, eva, bob, cyd].map(|member| String::from_utf8(member.out).unwrap()).concat();
    assert_eq!(lines(&told).len(), told.lines().count());
    // Whatever is told is read, and the directory can be watched.
    Section::new("`join --json`").describes_events(
        &lines(&told),
        &["event", "time"],
        &["left-out", "trouble"],
    );
    // And stores whatever it has to, while there is room on its disk. What is told, is read.
    let common = ["event", "time", "from"];
    Section::new("`tracker --log json`").describes_events(&lines(&tracker), &common, &["failed", "left-out"]);
}
