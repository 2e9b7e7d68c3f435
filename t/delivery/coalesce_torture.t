#!/usr/bin/perl

# While workers are killed, nginx reloads, and Redis loses connections, hangs
# and restarts, devices that come and go get, of events that are merged, one
# that stands for each that they don't get; and all news.

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

is($figures->{lost}, 0, 'nothing was lost without a word');
is(join("\n", @faults > 20 ? (@faults[0 .. 19], '...') : @faults), '',
    'every device got everything, or what stands for it, in order');
cmp_ok($figures->{merged}, '>', $figures->{published} / 10,
    'events were merged');
cmp_ok($figures->{events}, '>', $figures->{published} / 2, 'events came');
