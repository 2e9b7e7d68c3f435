#!/usr/bin/perl

# The tests of t/redis/function_cluster_move.t with Valkey.

use strict;
use warnings;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

$ENV{PIMAP_REDIS} = "$FindBin::Bin/../../misc/valkey-server";
exec($^X, 'redis/function_cluster_move.t')
    or die "function_cluster_move.t: $!\n";
