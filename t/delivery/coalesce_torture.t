#!/usr/bin/perl

# Workers are killed, nginx reloads, Redis loses connections, hangs and
# restarts, and devices come and go.  Each device gets all new messages, and
# for each merged event a later one of its kind.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap::Torture;

my $torture = Pimap::Torture->new(rate => 400, accounts => 20, devices => 60,
    pause => 0.4, stay => 2, away => 0.5, seconds => 4, coalesce => 1);

$torture->{t}->plan(4);

my $verdict = $torture->run();
my @faults = $verdict->faults();
my $figures = $verdict->figures();

note($_) for $torture->report($verdict);

is($figures->{lost}, 0, 'no event is lost without a resync');
is(join("\n", @faults > 20 ? (@faults[0 .. 19], '...') : @faults), '',
    'every device got each event, or a later one of its kind, in order');
cmp_ok($figures->{merged}, '>', $figures->{published} / 10,
    'events were merged');
cmp_ok($figures->{events}, '>', $figures->{published} / 2, 'events came');
