//! `/api/v1`: what browsers ask.

mod diff;
mod rows;

use crate::edge::routes::Routes;

pub(crate) fn add(_routes: &mut Routes) {}
