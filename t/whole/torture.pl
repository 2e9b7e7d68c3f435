#!/usr/bin/perl

# Everything at once:
#
#   t/whole/torture.pl [--seconds N] [--rate N] [--accounts N] [--devices N]
# [--sentinel] [--cluster] [--coalesce] [--blind].  "make torture" runs it.
#
# With --blind the measures against lost events are not used, and it succeeds
# if the losses are found.

use strict;
use warnings;

use Getopt::Long;
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap::Torture;

GetOptions(\my %set, qw(seconds=i rate=i accounts=i devices=i pause=f sentinel
    cluster coalesce blind)) or exit(2);

my $torture = Pimap::Torture->new(%set);

$torture->{t}->plan(2);

my $verdict = $torture->run();
my @faults = $verdict->faults();

note($_) for $torture->report($verdict);

if ($set{blind}) {
    cmp_ok($verdict->figures()->{lost}, '>', 0, 'blind: losses are seen');
    isnt(scalar(@faults), 0, 'blind: faults are found');

} else {
    is($verdict->figures()->{lost}, 0, 'no event is lost without a resync');
    is(join("\n", @faults > 20 ? (@faults[0 .. 19], '...') : @faults), '',
        'every device got each event once and in order, or a resync');
}
