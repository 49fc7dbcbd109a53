//! The table, memories and time.

use heapless::Vec;
use skep_core::{
    Memory,
    table::{ByName, Named, Table},
};
use skep_panic_check::{
    input::{any, maybe, now, number, span},
    keep,
};

type Slots = Vec<Named<u32>, 16>;

pub(crate) fn call() {
    memory();
    time();
    let table: &mut Table<u32, Slots, ByName> = any();
    let (one, other) = (number() as u32, number() as u32);
    keep((table.count(), table.bound()));
    keep(table.get(one));
    keep(table.get_mut(one));
    keep(table.insert(one));
    keep(table.set_name(one, other));
    keep(table.named(one));
    keep(table.take_name(one));
    keep(table.remove(one));
    table.numbers().for_each(keep);
    table.give_turn(one);
    keep(table.take_turn());
    table.set_deadline(one, maybe(now()));
    keep(table.next_deadline());
    keep(table.take_expired(now()));
    *table = Table::new(Slots::new());
}

fn memory() {
    let memory: &mut Vec<u32, 16> = any();
    keep((memory.values().len(), memory.bound()));
    keep(memory.values_mut());
    memory.grow(number() as usize, || number() as u32);
    memory.release();
}

fn time() {
    keep((now() + span()).as_micros());
    keep(now().since(now()));
}
