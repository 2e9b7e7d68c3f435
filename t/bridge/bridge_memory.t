#!/usr/bin/perl

# A bridge without memory ends, and the next one goes on where it was: no event
# is lost, whatever library needed the memory.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Dovecot;
use Pimap::Oom;

plan(skip_all => 'a checker has an allocator of its own')
    if !Pimap::Oom->possible();

my @places = (0, 2, 7, 15, 30);

my $t = Pimap->new(http => 'pimap_presence on;');
my $oom = Pimap::Oom->new($t);

$t->plan(4 * @places + 4);

my $bridge = Pimap::Bridge->new(t => $t, env => { $oom->env() },
    sessions => 'linger = "60s";');

$t->run();

my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none')->start();
my $n = 0;

$bridge->start();
is($bridge->auth('alice', 'secret'), 'alice', 'a login');

my $s = $t->park('alice', query => 'device=phone');
$s->read_until(qr/: parked\n.*\n\n/);
ok($bridge->watches(1), 'a session');


# A library that would take memory past the bridge could fail alone.

for my $library (qw(libjansson libevent-2)) {
    for my $skip (@places) {
        $oom->fail(by => $library, skip => $skip);
        is(delivered(), $n, "$library, $skip, would fail: the event comes");
    }
}


# Every allocation of the bridge is one of GLib's.

for my $skip (@places) {
    $oom->fail(by => 'libglib', skip => $skip);
    $dovecot->deliver(to => 'alice', subject => ++$n);

    ok($t->wait_for(sub { !$bridge->{process}->running() }, 'the end'),
        "allocation $skip fails: the bridge ends");
    $oom->stop();
    $bridge->start();
    $bridge->auth('alice', 'secret');
    is(subject(), $n, "allocation $skip fails: the next bridge has the event");
}

like($t->read_file($t->dir() . '/bridge.out'),
    qr/failed to allocate \d+ bytes/, 'it says why');
ok($s->quiet(0.2), 'no event comes twice');


sub delivered {
    $dovecot->deliver(to => 'alice', subject => ++$n);
    return subject();
}


sub subject {
    while (my $event = $s->event()) {
        return $event->{json}{subject} if $event->{event} eq 'MessageNew';
    }

    return 'none';
}
