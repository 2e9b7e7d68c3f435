#!/usr/bin/perl

# A device that sends more messages than "pimap_update_rate", valid or not, is
# answered once for what is too much.  It is read again a second later, on any
# transport, and no byte is lost.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::WebSocket;

my $rate = 5;
my $t = Pimap->new(mode => '', http => "pimap_update_rate $rate;");
my @ways = (['http', '/events'], ['http', '/held'], ['https', '/held'],
    ['https', '/events'], ['https', '/asleep'], ['h2', '/events']);

# A message that is sent 30 times at once, and its answer
my %kinds = (
    duplex => {
        updates => sub { qq({"id":"$_[0]","update":"x"}\n) },
        nonsense => sub { "x\n" },
    },
    websocket => {
        updates => sub { frame(TEXT, qq({"id":"$_[0]","update":"x"})) },
        nonsense => sub { frame(TEXT, 'x') },
        Pings => sub { frame(PING, $_[0]) },
        'empty messages' => sub { frame(TEXT, '') },
    },
    deflate => {
        updates => sub { frame(TEXT, deflated(qq({"id":"$_[0]","update":"x"})),
            rsv => RSV1) },
        'empty messages' => sub { frame(TEXT, "\x00", rsv => RSV1) },
    },
);

$t->nginx()->ways();
$t->plan(3 * (2 * @ways + 6 * (@ways - 1)) + 4);
$t->run();
$t->wait_ready();

my $quiet = $t->duplex('quiet');

$quiet->json();

my @floods;

for my $how (sort(keys(%kinds))) {
    for my $way (@ways) {
        next if $way->[0] eq 'h2' && $how ne 'duplex';

        for my $what (sort(keys(%{ $kinds{$how} }))) {
            push @floods, { name => "$how, @$way: $what",
                s => park($how, $way), how => $how,
                bytes => join('', map { $kinds{$how}{$what}->($_) } 1 .. 30) };
        }
    }
}

my $start = time();

for my $f (@floods) {
    $f->{how} eq 'duplex' ? $f->{s}->up($f->{bytes})
        : $f->{s}->send_all($f->{bytes});
}

# In a second "rate" and one more are answered, so 30 take four seconds.

for my $f (@floods) {
    my @answers = map { $f->{s}->json() // () } 1 .. 30;
    my @ids = sort { $a <=> $b } grep { length }
        map { $_->{update} // $_->{payload} // '' } @answers;

    cmp_ok(time() - $start, '>', 2.5, "$f->{name}: read in portions");
    is(scalar(@answers), 30, "$f->{name}: all are answered");
    is(join(' ', @ids), join(' ', 1 .. @ids), "$f->{name}: each one once");
    $f->{s}->close();
}

# A long message takes its time, and arrives.

my $d = $t->duplex('long');
my $long = 'x' x 60_000;

$d->json();
$d->up(qq({"id":"long","update":"x","is":"$long"}\n));
is($d->json()->{event}, 'accepted', 'a message of 60 kB arrives');
$d->close();

cmp_ok($t->status()->{updates}{pauses}, '>', 3 * @ways,
    'pauses are counted');

$quiet->up(qq({"id":"1","update":"x"}\n));
is($quiet->json()->{event}, 'accepted', 'another device is not paused');

$t->redis()->publish('quiet', { event => 'QuotaExceed' });
is($quiet->json()->{event}, 'QuotaExceed', 'and gets its events');


sub park {
    my ($how, $way) = @_;

    my $account = 'a' . @floods;
    my @set = (transport => $way->[0], path => $way->[1]);
    my $s = $how eq 'duplex' ? $t->duplex($account, @set)
        : $t->websocket($account, @set, headers => { $how eq 'deflate'
            ? ('Sec-WebSocket-Extensions' => 'permessage-deflate') : () });

    $s->{inflates} = $how eq 'deflate';
    $s->json();

    return $s;
}
