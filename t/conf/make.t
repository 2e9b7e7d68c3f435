#!/usr/bin/perl

# "make test TESTS=..." is for some tests, and builds all programs in C.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new();
my ($root, $dir) = ($t->root(), $t->dir());

$t->plan(2);

my $made = "MADE=$dir/objects TO=$dir/unit";
my $all = qx(make -n -C $root/t KIND=unit $made 2>&1);
my $some = qx(make -n -C $root/t KIND=unit $made TESTS=t/a/b.t 2>&1);

like($all, qr{/unit/json}, 'the programs are built');
is($some, $all, 'TESTS=: the same programs are built');
