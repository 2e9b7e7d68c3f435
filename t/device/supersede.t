#!/usr/bin/perl

# A device has one parked response.  The newest request of the same account and
# device wins, on whatever worker or host the older one is parked.  The older
# response gets "superseded" and ends.

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

    # The order in Redis decides: wait for the older device's message.

    my $heard = $old->[0]->status()->{events}{received};
    my $older = parked($account, @$old);

    $t->wait_for(sub {
        $old->[0]->status()->{events}{received} > $heard
    }, 'its own word');

    my $newer = parked($account, @$new);

    push(@newer, $newer);       # it stays parked

    my $event = $older->event() // {};

    is("$event->{event} $event->{data}", 'superseded {}',
        "$name: the older gets superseded");
    ok($older->ended(), "$name: the older ends");

    $t->subscribed($account);
    $t->redis()->publish($account, { event => 'MessageNew' });
    is(($newer->event() // {})->{event}, 'MessageNew',
        "$name: the newer gets an event");
    ok($t->wait_for(sub { devices() == $n }, "$n devices"),
        "$name: one device is left");
}

is($t->status()->{ends}{superseded} + $other->status()->{ends}{superseded},
    $n, 'superseded devices are counted');


# Devices that differ in account or name, or have no name.

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
    join(' ', ('MessageNew') x @apart), 'different devices: all get an event');

$n += @apart;
is(devices(), $n, 'different devices: all stay parked');


# Many requests at about the same time: exactly one stays, and it works.  All
# have to be parked before the count.

my @many = map {
    ($_ % 3 ? $t : $other)->park('many', query => 'device=phone')
} 1 .. 12;

$_->read_until(qr/: parked\n.*\n\n/) for @many;

$n++;
ok($t->wait_for(sub { devices() == $n }, 'one of many'),
    'many requests: one device stays');
$t->subscribed('many');
$t->redis()->publish('many', { event => 'MessageNew' });

my %count;

for my $s (@many) {
    my $event = $s->event() // {};
    $count{ $event->{event} // 'none' }++;
}

is_deeply(\%count, { superseded => 11, MessageNew => 1 },
    'many requests: the others get superseded');


# Workers can't learn of other workers' requests while Redis is away.

$t->redis()->stop();

my @away = (parked('away', $t, $first), parked('away', $t, $second),
    parked('away', $other));

$n += 3;
is(devices(), $n, 'Redis away: all are parked');
is(join(' ', map { $_->event(0.1) // '-' } @away), '- - -',
    'Redis away: none gets superseded');
$t->redis()->start();

$n -= 2;
ok($t->wait_for(sub { devices() == $n }, 'one after a restart'),
    'Redis back: exactly one remains');
is(join(' ', map { ($_->event(0.1) // {})->{event} // '-' } @away),
    'superseded superseded -', 'Redis back: the newest remains');

$t->subscribed('away');
$t->redis()->publish('away', { event => 'MessageNew' });
is(($away[2]->event() // {})->{event}, 'MessageNew',
    'Redis back: the newest gets an event');

# Devices parked before are subscribed again, none was superseded.

ok($t->wait_for(sub {
    $t->status()->{workers}[0]{ready} && $t->status()->{workers}[1]{ready}
}, 'both workers', 20), 'Redis back: all are subscribed');
$t->redis()->publish('anna', { event => 'FlagsSet' });
is(join(' ', map { ($_->event() // {})->{event} // '-' } @apart[0 .. 5]),
    join(' ', ('FlagsSet') x 6), 'Redis back: different devices get an event');

ok($other->wait_for(sub { devices() == $n }, 'no change'),
    'Redis back: different devices stay parked');
unlike($t->log() . $other->log(), qr/invalid payload/,
    'no control message is refused');


sub parked {
    my ($account, $to, $pid, $transport, $query) = @_;

    my $park = sub {
        my $s = $to->park($account, transport => $transport // 'http',
            query => $query // 'device=phone');
        $s->read_until(qr/: parked\n.*\n\n/);
        $s;
    };

    return $pid ? $to->nginx()->only($pid, $park) : $park->();
}


sub devices { return $t->status()->{parked} + $other->status()->{parked} }
