//! The tests that docs/guide/testing.md shows, which must be what is in `guide/`.
#![cfg(feature = "testing")]

#[path = "guide/after.rs"]
mod after;
#[path = "guide/before.rs"]
mod before;
#[path = "guide/capture.rs"]
mod capture;
#[path = "guide/snapshot.rs"]
mod snapshot;
#[path = "guide/tasks.rs"]
mod tasks;

#[test]
fn the_guide_shows_these_files() {
    let files = [
        include_str!("guide/capture.rs"),
        include_str!("guide/tasks.rs"),
        include_str!("guide/snapshot.rs"),
        include_str!("guide/before.rs"),
        include_str!("guide/after.rs"),
    ];
    let guide = include_str!("../../docs/guide/testing.md");
    for file in files {
        assert!(guide.contains(&format!("\n{file}```\n")), "{file}");
    }
}
