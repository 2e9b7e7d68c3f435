#!/usr/bin/perl

# The library of the tests: an event that does not come is false and equals
# nothing, and no use of it ends the file.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new();
$t->plan(13);
$t->run();

my $s = $t->park('alice');
my $w = $t->websocket('alice');
my $d = $t->duplex('alice');

ok($s->read_until(qr/: parked\n.*\n\n/), 'parked');

for my $stream ($w, $d) {
    1 while $stream->json(0.5);
}

for my $missing ($s->event(0.1), $w->json(0.1), $d->json(0.1)) {
    ok(!$missing && !$missing->{json}{uid}, 'no event: false');
    ok($missing->{event} ne 'X' && "$missing->{event}" ne '',
        '    it equals no text');
    ok(!grep({ $_ } $missing->{n} == 1, $missing->{n} < 1,
        $missing->{n} > 1), '    and no number');
    is(join(' ', map { $_->{href} } @{ $missing->{changed} }), '',
        '    its lists are empty');
}
