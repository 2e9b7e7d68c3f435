#!/usr/bin/perl

# The clock of a host was hours ahead, and is right again.  A request of that
# time gives way to the next request of its device, on this host or another,
# before and after a reload.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Clock;

plan(skip_all => 'a checker is preloaded') if !Pimap::Clock->possible();

my $t = Pimap->new(mode => '');
my $clock = Pimap::Clock->new($t);

$t->nginx()->{env} = { $clock->env() };
$t->plan(11);
$t->run();
$t->wait_ready();

# Another host has a newer request of the device.

my $s = parked('alice');

$clock->ahead(0);
elsewhere('alice');
is(event($s), 'superseded', 'a newer request on another host');
ok($s->ended(), '    ends that response');
like($t->log(), qr/pimap ended:.* account="alice" .* seconds="\d\d?\./,
    '    which has not lasted for hours');

# This worker has.

my @two = parked('bob');

$clock->ahead(0);
push(@two, park('bob'));
is(event($two[0]), 'superseded', 'a newer request in this worker');
ok($two[1]->quiet(0.1), '    stays');
elsewhere('bob');
is(event($two[1]), 'superseded', '    and gives way to the next one');

# The device has another worker, whose requests are newer.

$s = parked('carol');
ok(moved(1), 'a reload');
elsewhere('carol');
is(event($s), 'superseded', 'a newer request on another host');

@two = parked('dave');
push(@two, parked('erin'));
ok(moved(2), 'another reload');
$clock->ahead(0);
push(@two, park('dave'));
is(event($two[0]), 'superseded', 'a newer request in the new worker');
ok($two[1]->quiet(0.1), '    ends no response of another device');
$two[1]->close();


# A device whose request came ten hours ahead.

sub parked {
    my ($account) = @_;

    $clock->ahead(10);
    $t->get('/status');                 # the worker's clock, too

    return park($account);
}


sub park {
    my ($account) = @_;

    my $s = $t->park($account, query => 'device=phone');

    $s->read_until(qr/: parked\n.*\n\n/);
    $t->subscribed($account);

    return $s;
}


sub moved {
    my ($n) = @_;
    my @old = $t->workers();

    $clock->ahead(0);

    return $t->reload()
        && $t->wait_for(sub { !grep { -e "/proc/$_" } @old })
        && $t->wait_for(sub { $t->status()->{parked} == $n });
}


sub elsewhere {
    my ($account) = @_;

    $t->redis()->publish($account, sprintf('!present %d %016x phone',
        time() * 1e6, 1));
}


sub event { return ($_[0]->event() // {})->{event} // 'nothing' }
