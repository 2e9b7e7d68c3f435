#!/usr/bin/perl

# With Dovecot 2.4, that of Debian 13: all that t/backends/dovecot_ox.t says.

use strict;
use warnings;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

$ENV{PIMAP_DOVECOT} = '2.4';
exec($^X, 'backends/dovecot_ox.t') or die "dovecot_ox.t: $!\n";
