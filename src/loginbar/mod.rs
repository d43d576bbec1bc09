//! The loginbar that portals embed, and its pages (SPEC §10). The rules about users are in `operations`.

mod bar;
mod browsers;
mod data_export;
mod face;
mod kind;
mod page_reply;
mod pages;
mod reading;

pub use face::PageFace;
