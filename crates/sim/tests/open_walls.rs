//! With the walls taken out the incident really happens; with any one of them standing nobody is shown a stranger's picture.
