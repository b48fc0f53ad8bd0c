//! The hidden function behind the macros takes no closure that another thread may not have: this one captures a
//! marker without a size, which says that it is on a certain thread.

use std::fmt::Write;
use std::marker::PhantomData;

use femtologging::__private::{AtSite, Callsite, Level, emit, plan};

#[derive(Clone, Copy)]
struct OnMainThread(PhantomData<*const ()>);

fn call(site: &'static Callsite, marker: OnMainThread) {
    let render = move |out: &mut dyn Write, ()| {
        let OnMainThread(here) = marker;
        out.write_str(if here == PhantomData { "on the main thread" } else { "" })
    };
    emit::<{ plan("{:?}", &[]) }, _, _, _, _>(AtSite, site, Level::Info, (), render, ());
}

fn main() {}
