#!/usr/bin/perl

# A parked device gets a ping if it got nothing else for the interval, which
# nginx.conf or the request sets, within limits; the ping names it.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

# Pings have a timer of a second.
use constant SLACK => 1.1;

my $t = Pimap->new(workers => 1);

$t->nginx()->{locations} .= <<'END';
        location = /one {
            pimap_account $arg_account;
            pimap_ping 1s min=1s max=2s;
            pimap_events;
        }

        location = /off {
            pimap_account $arg_account;
            pimap_ping 0 min=1s max=5s;
            pimap_events;
        }

        location = /late {
            pimap_account $arg_account;
            pimap_ping 600 min=2 max=600;
            pimap_events;
        }

        location /outer {
            pimap_ping 0 min=1 max=3;

            location = /outer/inner {
                pimap_account $arg_account;
                pimap_events;
            }
        }
END

$t->plan(28);
$t->run();

# path and query => the interval
my %interval = (
    '/one' => 1,
    '/one ping=1' => 1,
    '/one ping=2' => 2,
    '/one ping=3' => 2,
    '/one ping=4000000000' => 2,
    '/one ping=99999999999999999999' => 2,
    '/off ping=1' => 1,
    '/late ping=1' => 2,
    '/outer/inner ping=1' => 1,
    '/outer/inner ping=9' => 3,
);

my @never = ('/off', '/off ping=0', '/one ping=0', '/late', '/events',
    '/events ping=1');

my %device = map { $_ => parked($_) } keys(%interval), @never;
my $start = time();

# A device that gets events more often than pings are due.

my $busy = parked('/late ping=2', 'busy');
$t->subscribed('busy');

for my $n (1 .. 4) {
    $t->redis()->publish('busy', { event => 'MessageNew', n => $n });
    is(($busy->event() // {})->{json}{n}, $n, "an event, no ping");
    ok(!$busy->event(0.7), 'no ping') if $n < 4;
}

my $last = time();

for my $name (sort(keys(%interval))) {
    my $event = $device{$name}->event() // {};

    is("$event->{event} $event->{data}",
        qq(ping {"interval":$interval{$name}}), $name);
}

my $event = $busy->event() // {};

is($event->{event}, 'ping', 'no events: a ping');
cmp_ok(time() - $last, '>=', 2 - SLACK, 'the ping comes after the interval');

ok(!exists $event->{id}, 'a ping has no id');

$event = $device{'/one'}->event() // {};
is($event->{event}, 'ping', 'pings are repeated');

cmp_ok(time() - $start, '<', 10, 'no ping was late');

is(join(' ', grep { $device{$_}->event(0.02) } @never), '',
    'devices without pings get none');
cmp_ok($t->status()->{pings}, '>=', keys(%interval) + 2, 'pings are counted');

$event = $device{'/one ping=2'}->event() // {};
is($event->{event}, 'ping', 'pings are repeated at the longer interval');

# After an event, the rest of the interval is waited for, not a whole one.

my $once = parked('/late ping=6', 'once');

$t->subscribed('once');
ok($once->quiet(3), 'half of the interval');
$t->redis()->publish('once', { event => 'MessageNew' });
$once->event();
$last = time();
is($once->event()->{event}, 'ping', 'an event in the interval: a ping');
cmp_ok(time() - $last, '<', 8, '    in time');


sub parked {
    my ($name, $account) = @_;
    my ($path, $query) = split(/ /, $name);

    my $s = $t->park($account // 'alice', path => $path, query => $query);
    $s->read_until(qr/: parked\n.*\n\n/);

    return $s;
}
