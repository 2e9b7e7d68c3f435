#!/usr/bin/perl

# With Dovecot 2.4, that of Debian 13: all that t/backends/dovecot.t says.

use strict;
use warnings;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

$ENV{PIMAP_DOVECOT} = '2.4';
exec($^X, 'backends/dovecot.t') or die "dovecot.t: $!\n";
