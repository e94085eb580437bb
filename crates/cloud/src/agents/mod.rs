//! `/agent/v1`: what agents ask.

use crate::edge::routes::Routes;

pub(crate) fn add(_routes: &mut Routes) {}
