//! `defmt::Format` of what holds state or secrets: its name, and nothing of what is inside. What there is to know of a
//! machine is in its counters, and in what it tells.

macro_rules! by_name {
    ($([$($generics:tt)*] $type:ty => $name:literal;)+) => {$(
        impl<$($generics)*> defmt::Format for $type {
            fn format(&self, formatter: defmt::Formatter<'_>) {
                defmt::write!(formatter, $name);
            }
        }
    )+};
}

by_name! {
    [V, N] crate::table::Slot<V, N> => "Slot";
    [V, M, N] crate::table::Table<V, M, N> => "Table";
    [P: crate::rdt::Profile] crate::rdt::Endpoint<P> => "Endpoint";
    [P: crate::rdt::Profile] crate::rdt::Connection<P> => "Connection";
    [] crate::rdt::Parked => "Parked";
    [B] crate::rdt::Parkable<B> => "Parkable";
    [] crate::rdt::Keyed => "Keyed";
    [] crate::files::Client => "Client";
    [M] crate::files::Server<M> => "Server";
    [] crate::files::Session => "Session";
    [P: crate::client::Profile] crate::client::Client<P> => "Client";
    [P: crate::client::Profile] crate::client::Mirror<P> => "Mirror";
    [] crate::client::Fetch => "Fetch";
    [] crate::client::Share => "Share";
    [] crate::client::Upload => "Upload";
    [] crate::client::User => "User";
    [] crate::client::File => "File";
    [P: crate::tracker::Profile] crate::tracker::Tracker<P> => "Tracker";
    [P: crate::tracker::Profile] crate::tracker::Directory<P> => "Directory";
    [P: crate::tracker::Profile] crate::tracker::Link<P> => "Link";
    [] crate::tracker::Busy => "Busy";
    [] crate::tracker::Transfer => "Transfer";
    [V] crate::tracker::Place<V> => "Place";
    [] crate::tracker::User => "User";
    [] crate::tracker::File => "File";
    [] crate::wire::command::Strings<'_> => "Strings";
}

#[cfg(feature = "seal")]
by_name! {
    [] crate::seal::Secret => "Secret";
    [P] crate::seal::KeyPair<P> => "KeyPair";
    [P] crate::seal::CheckKey<P> => "CheckKey";
    [P] crate::seal::Random<P> => "Random";
    [P] crate::seal::InitiatorKeys<'_, P> => "InitiatorKeys";
    [P] crate::seal::ResponderKeys<'_, P> => "ResponderKeys";
    [P] crate::seal::Initiator<P> => "Initiator";
    [P] crate::seal::Responder<P> => "Responder";
    [P: crate::seal::Provider] crate::seal::Protection<P> => "Protection";
    [P: crate::seal::Provider] crate::seal::record::Sealer<P> => "Sealer";
    [P: crate::seal::Provider] crate::seal::record::Opener<P> => "Opener";
    [P: crate::seal::Provider] crate::seal::layer::Session<P> => "Session";
    [V] crate::seal::greeting::Hail<V> => "Hail";
    [V] crate::seal::greeting::Host<'_, V> => "Host";
    [const N: usize, const BURST: u8, const TICK_MICROS: u64] crate::guard::Buckets<N, BURST, TICK_MICROS>
        => "Buckets";
    [const SLOTS: usize, const BUCKETS: usize] crate::guard::Guard<SLOTS, BUCKETS> => "Guard";
    [P: crate::seal::Provider] crate::seal::layer::Opening<P> => "Opening";
    [V: crate::seal::Provider, M, I, const SLOTS: usize, const BUCKETS: usize, H]
        crate::seal::Layer<V, M, I, SLOTS, BUCKETS, H> => "Layer";
}
