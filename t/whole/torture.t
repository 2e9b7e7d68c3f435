#!/usr/bin/perl

# Workers are killed, nginx reloads, Redis loses connections, hangs and
# restarts, and devices come and go.  Each device gets every event once and in
# order, or a resync.  A second run proves that the test notices a loss.
# ("make torture" does the same for a minute, and with failovers.)

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap::Torture;

my %small = (rate => 300, accounts => 40, devices => 80, pause => 0.4,
    stay => 2, away => 0.5);
my $torture = Pimap::Torture->new(%small, seconds => 4);
my $blind = Pimap::Torture->new(%small, seconds => 2, blind => 1);

$torture->{t}->plan(7);

my $verdict = $torture->run();
my @faults = $verdict->faults();

note($_) for $torture->report($verdict);

my $figures = $verdict->figures();
my %counts = $torture->{trouble}->counts();

is($figures->{lost}, 0, 'no event is lost without a resync');
is(join("\n", @faults > 20 ? (@faults[0 .. 19], '...') : @faults), '',
    'every device got each event once and in order, or a resync');
is(scalar(grep { !$counts{$_} } qw(worker reload subscribers commanders pause
    restart)), 0, 'all troubles happened');
cmp_ok($figures->{events}, '>', $figures->{published} / 2, 'events came');
cmp_ok($figures->{starts}, '>', $small{devices}, 'devices came back');

$verdict = $blind->run();

note($_) for $blind->report($verdict);

cmp_ok($verdict->figures()->{lost}, '>', 0, 'blind: losses are seen');
isnt(scalar($verdict->faults()), 0, 'blind: faults are found');
