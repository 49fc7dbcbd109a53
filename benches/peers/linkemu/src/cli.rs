//! The command line.

use crate::model::Params;

pub const HELP: &str = "\
linkemu: two network namespaces joined by an emulated link

usage: linkemu [options] [-- command args...]
Runs until the command ends (its exit status is passed on), or without one until Ctrl-C.

ends
  --ns-a NAME --ns-b NAME        namespaces to create            [lea, leb]
  --addr-a ADDR --addr-b ADDR    addresses with prefix length    [10.99.0.1/24, 10.99.0.2/24]
  --mtu N                        of both devices                 [1500]
  --tap                          Ethernet frames (TAP) instead of IP packets (TUN)
  --txqueuelen N                 frames the kernel holds for us  [4096]
  --replace                      delete namespaces of these names first
link, both ways; with prefix ab- or ba- for one way (--ab-loss 0.1)
  --delay-ms X                   one way                         [0]
  --jitter-ms X                  uniform +-X, keeps the order    [0]
  --rate-mbit X                  0: no limit                     [0]
  --queue-kb X                   drop-tail queue before the rate limit, KiB [256]
  --overhead N                   bytes charged per frame (Ethernet under TUN: 38) [0]
  --loss P                       probability, behind the queue   [0]
  --burst N                      mean run of losses; 1: independent [1]
  --dup P                        probability                     [0]
  --reorder P                    probability to hold a frame back [0]
  --reorder-ms X                 for how long                    [1]
  --corrupt P                    flip one bit behind the IP header (kernels drop it) [0]
  --corrupt-deliver              flip in UDP payload and clear the UDP checksum
other
  --seed N                       the n-th frame's fate depends only on this [1]
  --spin-us X                    wake early by at most this and poll (at most 1/8 of the time) [150]
  --no-realtime                  keep the normal scheduling class
  --quiet                        no counters at exit
";

pub struct Options {
    pub ns_a: String,
    pub ns_b: String,
    pub addr_a: String,
    pub addr_b: String,
    pub mtu: u32,
    pub tap: bool,
    pub txqueuelen: u32,
    pub replace: bool,
    pub ab: Params,
    pub ba: Params,
    pub seed: u64,
    pub spin_ns: u64,
    pub realtime: bool,
    pub quiet: bool,
    pub command: Vec<String>,
}

impl Options {
    /// `Ok(None)`: help was asked for and printed.
    pub fn parse(args: &[String]) -> Result<Option<Options>, String> {
        let mut o = Options {
            ns_a: "lea".into(),
            ns_b: "leb".into(),
            addr_a: "10.99.0.1/24".into(),
            addr_b: "10.99.0.2/24".into(),
            mtu: 1500,
            tap: false,
            txqueuelen: 4096,
            replace: false,
            ab: Params::default(),
            ba: Params::default(),
            seed: 1,
            spin_ns: 150_000,
            realtime: true,
            quiet: false,
            command: Vec::new(),
        };
        let mut it = args.iter();
        while let Some(arg) = it.next() {
            let mut value = || it.next().map(String::as_str).ok_or(format!("{arg} needs a value"));
            match arg.as_str() {
                "--" => {
                    o.command = it.cloned().collect();
                    break;
                }
                "-h" | "--help" => {
                    print!("{HELP}");
                    return Ok(None);
                }
                "--ns-a" => o.ns_a = value()?.into(),
                "--ns-b" => o.ns_b = value()?.into(),
                "--addr-a" => o.addr_a = value()?.into(),
                "--addr-b" => o.addr_b = value()?.into(),
                "--mtu" => o.mtu = number(arg, value()?, 68.0, 65535.0)? as u32,
                "--tap" => o.tap = true,
                "--txqueuelen" => o.txqueuelen = number(arg, value()?, 1.0, 1e6)? as u32,
                "--replace" => o.replace = true,
                "--seed" => o.seed = value()?.parse().map_err(|_| format!("{arg}: not a number"))?,
                "--spin-us" => o.spin_ns = (number(arg, value()?, 0.0, 1e6)? * 1e3) as u64,
                "--no-realtime" => o.realtime = false,
                "--quiet" => o.quiet = true,
                _ => {
                    let name = arg.strip_prefix("--").ok_or(format!("unexpected argument {arg}"))?;
                    let (name, ways) = match name.split_once('-') {
                        Some(("ab", rest)) => (rest, [true, false]),
                        Some(("ba", rest)) => (rest, [false, true]),
                        _ => (name, [true, true]),
                    };
                    let text = if name == "corrupt-deliver" { "" } else { value()? };
                    for (params, wanted) in [&mut o.ab, &mut o.ba].into_iter().zip(ways) {
                        if wanted {
                            set_link(params, name, arg, text)?;
                        }
                    }
                }
            }
        }
        if o.ns_a == o.ns_b {
            return Err("the namespaces need different names".into());
        }
        Ok(Some(o))
    }
}

fn set_link(p: &mut Params, name: &str, arg: &str, text: &str) -> Result<(), String> {
    let within = |max: f64| number(arg, text, 0.0, max);
    match name {
        "delay-ms" => p.delay_ns = (within(1e6)? * 1e6) as u64,
        "jitter-ms" => p.jitter_ns = (within(1e6)? * 1e6) as u64,
        "rate-mbit" => p.rate_bps = (within(1e6)? * 1e6) as u64,
        "queue-kb" => p.queue_bytes = (within(1e7)? * 1024.0) as u64,
        "overhead" => p.overhead = within(1e4)? as u64,
        "loss" => p.loss = within(1.0)?,
        "burst" => p.burst = within(1e6)?,
        "dup" => p.dup = within(1.0)?,
        "reorder" => p.reorder = within(1.0)?,
        "reorder-ms" => p.reorder_ns = (within(1e6)? * 1e6) as u64,
        "corrupt" => p.corrupt = within(1.0)?,
        "corrupt-deliver" => p.corrupt_deliver = true,
        _ => return Err(format!("unknown option {arg}")),
    }
    Ok(())
}

fn number(arg: &str, text: &str, min: f64, max: f64) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if (min..=max).contains(&x) => Ok(x),
        _ => Err(format!("{arg}: {text:?} is not a number from {min} to {max}")),
    }
}
