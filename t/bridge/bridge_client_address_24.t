#!/usr/bin/perl

# t/bridge/bridge_client_address.t with Dovecot 2.4, that of Debian 13.

use strict;
use warnings;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

$ENV{PIMAP_DOVECOT} = '2.4';
exec($^X, 'bridge/bridge_client_address.t')
    or die "bridge_client_address.t: $!\n";
