//! The default controller on the links of docs/performance.md, in virtual time: what it reaches, what it costs, and
//! what it leaves to others.

use skep_core::rdt::{Counters, Language, control::Congestion};
use skep_tests::{
    ClientNode, Habits, Handle, Host, Link, Node, Report, Scenario, ServerNode, Sessions, Simulated, Way,
    World, own_settings, upload,
};
use std::time::Duration;

const SEGMENT: u16 = 1_435;
const WINDOW: u32 = 8_192;
const MIB: usize = 1 << 20;

fn download(link: &Link, size: usize, seed: u64, change: impl FnOnce(&mut Scenario)) -> Report<Simulated> {
    let scenario = Scenario::new(Way::Download, size).own(WINDOW, SEGMENT).but(change);
    scenario.run(link.network(seed)).expect_done()
}

/// Bytes of content per microsecond: millions per second.
fn goodput(size: usize, report: &Report<Simulated>) -> f64 {
    size as f64 / report.elapsed().as_secs_f64() / 1e6
}

/// The median of three runs, and what they counted.
fn median(link: &Link, size: usize, change: impl Fn(&mut Scenario)) -> (f64, Vec<Counters>) {
    let runs = (1..=3).map(|seed| download(link, size, seed, &change));
    let mut rates = Vec::new();
    let mut counters = Vec::new();
    for report in runs {
        rates.push(goodput(size, &report));
        counters.push(report.sender().statistics.counters);
    }
    rates.sort_by(f64::total_cmp);
    (rates[1], counters)
}

#[test]
fn a_large_file_reaches_the_rate_of_the_link_whatever_it_loses() {
    for (link, least) in
        [(Link::B, 170.0), (Link::C, 145.0), (Link::D, 95.0), (Link::E, 11.2), (Link::F, 110.0)]
    {
        let (rate, counters) = median(&link, 64 * MIB, |_| ());
        assert!(rate >= least, "{}: {rate} of {least} MB/s, {counters:?}", link.name);
        for it in counters {
            // Without reordering nothing is sent again that was not lost, but for what is sent twice at the start and the end.
            assert!(it.resent.abs_diff(it.lost) * 100 <= it.lost.max(300), "{}: {it:?}", link.name);
            assert!(it.spurious * 100 <= it.lost.max(100), "{}: {it:?}", link.name);
            // What was lost by chance must be sent again, and that again; the rest is ours.
            let segments = (64 * MIB).div_ceil(SEGMENT.into()) as f64;
            let least = segments / (1.0 - f64::from(link.loss) / 1e3);
            assert!(it.sent as f64 <= 1.05 * least, "{}: {} of {least}", link.name, it.sent);
        }
    }
}

/// The median of many runs with a short file.
fn short(link: &Link, change: impl Fn(&mut Scenario)) -> f64 {
    let mut rates: Vec<_> = (1..=21).map(|seed| goodput(MIB, &download(link, MIB, seed, &change))).collect();
    rates.sort_by(f64::total_cmp);
    rates[10]
}

/// Each link with a rate, and whether that is reached.
fn reaches(targets: [f64; 5], reached: impl Fn(&Link) -> f64) {
    for (link, least) in [Link::B, Link::C, Link::D, Link::E, Link::F].iter().zip(targets) {
        let rate = reached(link);
        assert!(rate >= least, "{}: {rate} of {least} MB/s", link.name);
    }
}

#[test]
fn a_short_file_takes_few_round_trips() {
    reaches([15.0, 15.0, 10.0, 2.7, 50.0], |link| short(link, |_| ()));
}

#[test]
fn a_short_file_is_faster_still_when_the_rate_is_known() {
    // The address of a first visit has to be proven, which takes a round trip.
    reaches([24.0, 16.0, 12.0, 2.7, 64.0], |link| short(link, |it| it.server.rate = link.rate));
}

#[test]
fn a_short_file_is_there_after_a_round_trip_when_the_rate_is_known_and_addresses_are_trusted_or_known() {
    let targets = [35.0, 20.0, 15.0, 3.6, 64.0];
    reaches(targets, |link| {
        short(link, |it| {
            it.server.rate = link.rate;
            it.server.trusts_addresses = true;
        })
    });
    reaches(targets, |link| {
        let pass = download(link, 900, 1, |_| ()).client().last_past().pass;
        short(link, |it| {
            it.server.rate = link.rate;
            it.pass = pass;
        })
    });
}

type Server = ServerNode<Host, Sessions>;

/// Two uploads over one slow link to one server; what each has brought after so many seconds.
fn share(link: &Link, congestions: [Congestion; 2], seconds: u64, late: u64, seed: u64) -> [u64; 2] {
    let mut world = World::new(link.network(seed));
    let settings = own_settings(WINDOW, SEGMENT);
    let rules = skep_core::files::Settings::DEFAULT;
    let server: Handle<Server> = world
        .add(|seat| Node::new(seat, settings, seed, skep_core::files::Server::new(rules, Sessions::new())));
    let address = world.address(server);
    let start = world.now();
    let mut clients = Vec::new();
    for (index, congestion) in congestions.into_iter().enumerate() {
        let settings = skep_core::rdt::Settings { congestion, ..settings };
        let name = ["one", "two"][index];
        let client: Handle<ClientNode> = world.add(|seat| {
            let at = start + Duration::from_secs(late * index as u64);
            let habits = Habits { leaves: true, ..Habits::default() };
            Node::new(seat, settings, seed + index as u64, upload(name)).with(habits).calling(
                at,
                address,
                Language::Own,
            )
        });
        let size = (link.rate * (seconds + late + 4)) as usize;
        world.get_mut(client).storage.files.insert(name.into(), vec![7; size]);
        clients.push(client);
    }
    let stored = |world: &World<Simulated>| {
        clients
            .iter()
            .map(|&client| {
                let node: &ClientNode = world.get(client);
                node.statistics().map(|it| it.bytes_acknowledged).sum::<u64>()
            })
            .collect::<Vec<_>>()
    };
    world.run_until(start + Duration::from_secs(late + 2));
    let before = stored(&world);
    world.run_until(start + Duration::from_secs(late + 2 + seconds));
    let after = stored(&world);
    [0, 1].map(|index| after[index].saturating_sub(before[index]))
}

/// What a flow gets next to another one, of a hundred.
fn shares(link: &Link, congestions: [Congestion; 2], seconds: u64, late: u64) -> [f64; 2] {
    let mut sum = [0, 0];
    for seed in 1..=3 {
        let got = share(link, congestions, seconds, late, seed);
        sum = [sum[0] + got[0], sum[1] + got[1]];
    }
    let all = 3 * link.rate * seconds;
    [sum[0] as f64 * 100.0 / all as f64, sum[1] as f64 * 100.0 / all as f64]
}

#[test]
fn next_to_a_cubic_flow_neither_gets_less_than_a_quarter() {
    let link = Link { delay: Duration::from_millis(20), loss: 0, rate: 12_500_000, ..Link::E };
    let (cubic, model) = (Congestion::Cubic, Congestion::Model);
    for late in [0, 5] {
        for congestions in [[cubic, model], [model, cubic], [model, model]] {
            let shares = shares(&link, congestions, 30, late);
            assert!(shares.iter().all(|&share| share >= 25.0), "{congestions:?}, {late} s: {shares:?} %");
        }
    }
}

#[test]
fn reno_and_cubic_fill_a_link_without_loss() {
    let link = Link { loss: 0, ..Link::F };
    for congestion in [Congestion::Cubic, Congestion::Reno] {
        let report = download(&link, 64 * MIB, 1, |it| it.server.congestion = congestion);
        let rate = goodput(64 * MIB, &report);
        assert!(rate > 90.0, "{congestion:?}: {rate} MB/s");
    }
}

/// The content need not wait for the answer to the call.
#[test]
fn a_short_file_goes_up_behind_the_call_when_the_rate_is_known() {
    reaches([35.0, 20.0, 15.0, 3.6, 64.0], |link| {
        let mut rates: Vec<_> = (1..=21)
            .map(|seed| {
                let scenario = Scenario::new(Way::Upload, MIB).own(WINDOW, SEGMENT);
                let scenario = scenario.but(|it| it.client.rate = link.rate);
                goodput(MIB, &scenario.run(link.network(seed)).expect_done())
            })
            .collect();
        rates.sort_by(f64::total_cmp);
        rates[10]
    });
}
