#!/usr/bin/perl

# A device has one parked response: the newest request of the same account and
# device wins, wherever the older one is parked.  That one is told, and ends.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $allow = qr/connect\(\) to unix:\S+ failed/;

my $t = Pimap->new(workers => 2, allow => $allow);
my $other = Pimap->new(redis => $t->redis(), allow => $allow);

$t->plan(46);
$t->run();
$other->run();

my ($first, $second) = $t->workers();
my $n = 0;
my @newer;


# Older and newer: [the server's object, its worker, transport].

for (
    ['same worker', [$t, $first], [$t, $first]],
    ['other worker', [$t, $first], [$t, $second]],
    ['other host', [$t, $first], [$other]],
    ['back again', [$other], [$t, $second]],
    ['TLS after plain', [$t, $first, 'http'], [$t, $second, 'https']],
    ['HTTP/2 after TLS', [$t, $second, 'https'], [$t, $first, 'h2']],
    ['plain after HTTP/2', [$t, $first, 'h2'], [$t, $second, 'http']],
    ['HTTP/2 after HTTP/2', [$t, $first, 'h2c'], [$t, $second, 'h2']],
) {
    my ($name, $old, $new) = @$_;
    my $account = 'user' . ++$n;

    # Redis says who came last: the older one has to have its word first.

    my $heard = $old->[0]->status()->{events}{received};
    my $older = parked($account, @$old);

    $t->wait_for(sub {
        $old->[0]->status()->{events}{received} > $heard
    }, 'its own word');

    my $newer = parked($account, @$new);

    push(@newer, $newer);       # it stays parked

    my $event = $older->event() // {};

    is("$event->{event} $event->{data}", 'superseded {}', "$name: told");
    ok($older->ended(), "$name: ended");

    $t->subscribed($account);
    $t->redis()->publish($account, { event => 'MessageNew' });
    is(($newer->event() // {})->{event}, 'MessageNew', "$name: newer one");
    ok($t->wait_for(sub { devices() == $n }, "$n devices"),
        "$name: one is left");
}

is($t->status()->{ends}{superseded} + $other->status()->{ends}{superseded},
    $n, 'counted');


# Those that have nothing to do with each other.

my @apart = (
    parked('anna', $t, $first, 'http', ''),
    parked('anna', $t, $first, 'http', 'device='),
    parked('anna', $t, $second, 'http', ''),
    parked('anna', $t, $first, 'http', 'device=one'),
    parked('anna', $t, $second, 'http', 'device=on'),
    parked('anna', $other, undef, 'http', 'device=One'),
    parked('ann', $t, $second, 'http', 'device=one'),
    parked('anna!', $t, $second, 'http', 'device=one'),
);

$t->subscribed($_) for qw(anna ann anna!);
$t->redis()->publish($_, { event => 'MessageNew' }) for qw(anna ann anna!);

is(join(' ', map { ($_->event() // {})->{event} // '-' } @apart),
    join(' ', ('MessageNew') x @apart), 'others go on');

$n += @apart;
is(devices(), $n, 'all of them');


# Many at about the same time: exactly one stays, and it works.  All of them
# have to be parked before that can be counted.

my @many = map {
    ($_ % 3 ? $t : $other)->park('many', query => 'device=phone')
} 1 .. 12;

$_->read_until(qr/: parked\n\n/) for @many;

$n++;
ok($t->wait_for(sub { devices() == $n }, 'one of many'), 'one of many stays');
$t->subscribed('many');
$t->redis()->publish('many', { event => 'MessageNew' });

my %count;

for my $s (@many) {
    my $event = $s->event() // {};
    $count{ $event->{event} // 'none' }++;
}

is_deeply(\%count, { superseded => 11, MessageNew => 1 },
    'the others were told');


# Requests that come while Redis is away can't know of each other.

$t->redis()->stop();

my @away = (parked('away', $t, $first), parked('away', $t, $second),
    parked('away', $other));

$n += 3;
is(devices(), $n, 'all are parked while Redis is away');
is(join(' ', map { $_->event(0.1) // '-' } @away), '- - -',
    'and none is told');
$t->redis()->start();

$n -= 2;
ok($t->wait_for(sub { devices() == $n }, 'one after a restart', 20),
    'exactly one remains');
is(join(' ', map { ($_->event(0.1) // {})->{event} // '-' } @away),
    'superseded superseded -', 'the newest');

$t->subscribed('away');
$t->redis()->publish('away', { event => 'MessageNew' });
is(($away[2]->event() // {})->{event}, 'MessageNew', 'and it works');

# Those that were parked before have come back, none has been told to go.

ok($t->wait_for(sub {
    $t->status()->{workers}[0]{ready} && $t->status()->{workers}[1]{ready}
}, 'both workers', 20), 'all are subscribed again');
$t->redis()->publish('anna', { event => 'FlagsSet' });
is(join(' ', map { ($_->event() // {})->{event} // '-' } @apart[0 .. 5]),
    join(' ', ('FlagsSet') x 6), 'others still go on');

ok($other->wait_for(sub { devices() == $n }, 'no change'), 'all of them');
unlike($t->log() . $other->log(), qr/invalid payload/,
    'control messages are understood');


sub parked {
    my ($account, $to, $pid, $transport, $query) = @_;

    my $park = sub {
        my $s = $to->park($account, transport => $transport // 'http',
            query => $query // 'device=phone');
        $s->read_until(qr/: parked\n\n/);
        $s;
    };

    return $pid ? $to->nginx()->only($pid, $park) : $park->();
}


sub devices { return $t->status()->{parked} + $other->status()->{parked} }
