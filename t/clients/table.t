#!/usr/bin/perl

# The table of clients in docs/clients.md has a row for each client that is
# tested here, and a column for each case, in order.  The test of a client
# compares its row.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Conformance;

my $t = Pimap->new();
my $root = $t->root();

$t->plan(4);

my %table = Pimap::Conformance->table($root);
my @clients = map { $t->read_file($_) =~ /\bclient => (?:'([^']+)'|"([^"]+)")/
    ? $1 // $2 : () } glob("$root/t/clients/*.t");
my @cases = map { $_->[0] } @Pimap::Conformance::cases;
my $page = Pimap::Page->new($root, 'docs/clients.md');

is_deeply([ sort(keys(%table)) ], [ sort(@clients) ],
    'a row for each client');
is_deeply([ map { s/`//gr } @{ ($page->rows('What each client can do'))[0] } ],
    [ 'client', @cases ], 'a column for each case');
is_deeply([ grep { !/^(?:yes|no)$/ } map { values(%$_) } values(%table) ], [],
    'each cell is "yes" or "no"');
is_deeply([ map { $_->[0] =~ /^`(\w+)`$/ } $page->rows('The cases') ],
    \@cases, 'each case is explained');
