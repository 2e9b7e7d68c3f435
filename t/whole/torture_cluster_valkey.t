#!/usr/bin/perl

# The test t/whole/torture_cluster.t with Valkey.

use strict;
use warnings;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

$ENV{PIMAP_REDIS} = "$FindBin::Bin/../../misc/valkey-server";
exec($^X, 'whole/torture_cluster.t') or die "torture_cluster.t: $!\n";
