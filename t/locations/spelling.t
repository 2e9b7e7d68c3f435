#!/usr/bin/perl

# A user has events by an address, and devices by the name without the domain,
# or the other way round.  The worker warns, once for a name, and at most once
# a minute.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(log => 'warn');

$t->plan(12);
$t->run();
$t->wait_ready();

my @devices = map { $t->park($_) } qw(alice bob@example.com carol);

$_->read_until(qr/: parked\n.*\n\n/) for @devices;
$t->subscribed($_) for qw(alice bob@example.com carol);

my $event = { event => 'Test' };

is($t->publish($_, $event)->{status}, 200, "an event to $_")
    for 'bob', 'bob@example.com', 'dave@example.com';
is(scalar(lines()), 0, '    no warning: no device has another name');

$t->publish('alice@example.com', $event) for 1 .. 3;
is(join("\n", map { /published.*?:/g } lines()), 'published an event to '
    . '"alice@example.com", which has no device, but "alice" has one:',
    'events to an address: one warning, with both names');
$t->publish('carol@example.com', $event);
is(scalar(lines()), 1, '    no second one in a minute');
$t->publish('carol', $event);
is(($devices[2]->event() // {})->{event}, 'Test',
    '    the name itself still gets its events');


# The other way round, after a restart: the minute is over.

$t->nginx()->stop();
$t->redis()->log('erin', $event);
$t->redis()->log("frank$_", $event) for '', '@example.com';
$t->nginx()->start();
$t->wait_ready();

for my $name (qw(gina@example.com frank@example.com frank @example.com)) {
    push(@devices, $t->park($name));
    $devices[-1]->read_until(qr/: parked\n.*\n\n/);
}

$t->redis()->publish('frank', $event);
is(($devices[-2]->event() // {})->{event}, 'Test', 'Redis has answered');
is(scalar(lines('parked')), 0, '    no warning for other names');
push(@devices, $t->park('erin@example.com'));
ok($t->wait_for(sub { lines('parked') }, 'a warning'), 'a device without '
    . 'events, whose name without the domain has events: a warning');
like((lines('parked'))[0], qr/"erin\@example.com", .* but "erin" has:/,
    '    with both names');

# Devices park while Redis stands still for a moment, and are answered at once.

my $monitor = $t->redis()->connect();

$monitor->command('MONITOR');
$t->redis()->pause();

my @storm = map { $t->park("storm$_\@example.com") } 1 .. 10;

sleep(0.05);
$t->redis()->resume();
$_->read_until(qr/: parked\n.*\n\n/) for @storm;
$t->redis()->command('PING', 'the end');
cmp_ok(questions(), '<', 5, 'a worker asks one question at a time');


# Of the names without the domain, before the end

sub questions {
    my $n = 0;

    while (my $line = $monitor->reply()) {
        last if $line =~ /the end/;
        $n++ if $line =~ /pimap_last.*\{storm\d+\}/;
    }

    return $n;
}



sub lines {
    my $what = $_[0] // 'published';

    return $t->log_lines(qr/pimap $what an? /);
}
