#!/usr/bin/perl

# Each finding of pimap-check, which is whatever has not passed, has a name.  A
# test provokes each of them, and expects its name.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new();
my $root = $t->root();

$t->plan(4);

my ($code, $tests) = map { join("\n", map { $t->read_file($_) } glob($_)) }
    "$root/check/pimap_check/*.py", "$root/t/check/check*.t";

# "%s" stands for the name of a check or of a step.

my $name = qr/((?:%s|[a-z]+)(?:\.[a-z0-9]+)?:[a-z0-9-]+)/;
my %found = map { $_ => 1 } $code =~ /'$name'/g;
my %expected = map { $_ => 1 } $tests =~ /'$name'/g;

cmp_ok(keys(%found), '>', 90, 'findings are found');

# A call has the name, or takes it from a table or a function.

my @calls = $code =~ /\breport\.(?:fail|warn|unknown)\(([^\s,]+)/g;

is_deeply([ sort(grep { !/^'$name'$/ } @calls) ], [ qw(finding name name
    what) ], 'each has a name');

my @all = map { my $one = quotemeta() =~ s/\\%s/[a-z.]+/r; qr/^$one$/ }
    sort(keys(%found));

is(join(' ', grep { my $one = $_ =~ s/%s/[a-z.]+/r;
        !grep { /^$one$/ } keys(%expected) } sort(keys(%found))), '',
    'each is provoked by a test');
is(join(' ', grep { my $one = $_; !grep { $one =~ $_ } @all }
        sort(keys(%expected))), '', 'no test expects another one');
