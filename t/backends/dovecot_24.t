#!/usr/bin/perl

# The tests of t/backends/dovecot.t with Dovecot 2.4, that of Debian 13.

use strict;
use warnings;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

$ENV{PIMAP_DOVECOT} = '2.4';
exec($^X, 'backends/dovecot.t') or die "dovecot.t: $!\n";
