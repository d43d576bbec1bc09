//! The directory: portals make users, look them up by what others call them, and give them roles (SPEC §11). Holds no rule
//! about users.

pub mod envelope;
