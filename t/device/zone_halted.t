#!/usr/bin/perl

# A worker that stops, or is killed, while it reads or changes the shared zone
# stops no other worker: they park, count and answer.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Halt;

plan(skip_all => 'a checker is preloaded') if !Pimap::Halt->possible();

my $t = Pimap->new(workers => 2, allow => qr/exited on signal 9/);
my $halt = Pimap::Halt->new($t);

$t->nginx()->{env} = { $halt->env() };
$t->nginx()->{http} = 'pimap_redis unix:' . $t->redis()->socket()
    . ' timeout=2s probe=100ms;';
$t->nginx()->{locations} .= <<'END';
        location = /two {
            pimap_account $arg_account;
            pimap_max_devices_per_account 2;
            pimap_events;
        }
END

$t->plan(19);
$t->run();
$t->wait_ready();

my $before = park();

ok($before, 'a device is parked');


# A worker that answers the status.

$halt->stop();

my $asked = $t->open_stream("GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n");
my $stopped = stopped();

ok($stopped, 'a worker is stopped while it reads the zone');
serves('it is stopped');

my $ready = $t->wait_for(sub {
    my $answer = $t->get('/status?ready');
    $answer->{status} == 503 ? $answer : undef }, 'red');

like($ready->{json}{detail} // '', qr/\(pid $stopped\) can't deliver/,
    'readiness names it');
kill('CONT', $stopped);
is($asked->status(), 200, 'it goes on: it answers');
ok($t->wait_ready(), '    all are ready');


# A worker that begins, and takes the place of one that was killed.

$halt->stop();
kill('KILL', $stopped);
$stopped = stopped();
ok($stopped, 'a new worker is stopped while it takes its place');
serves('a new worker is stopped');
kill('CONT', $stopped);
ok($t->wait_for(sub { (my @pids = running()) == 2 }),
    'it goes on: there are two');
ok($t->wait_ready(), '    all are ready');


# A worker that is killed then.

$before->close();
$t->wait_for(sub { $t->status()->{parked} == 0 }, 'no device');

my $connects = $t->status()->{connects};

my %old = map { $_ => 1 } $t->workers();

$halt->kill();
$t->get('/status');
ok($t->wait_for(sub { (grep { !$old{$_} } running()) == 1 }),
    'a worker is killed: there is a new one');
$t->wait_ready();
is($t->status()->{connects}, $connects, '    what was counted stays');
serves('it was killed');


# The limit is that of all workers: each of these finds its place, and no more.

sub serves {
    my ($when) = @_;

    my @s = grep { $_ } map { park() } 1, 2;

    is($t->park('alice', path => '/two')->status(), 429,
        "$when: another worker knows the limit");
    is($t->get('/status')->{status}, 200, '    tells the status');
    is($t->publish('alice', { event => 'QuotaExceed' })->{status}, 200,
        '    publishes');
    $_->close() for @s;
}


sub park {
    my $s = $t->park('alice', path => '/two');

    return $s->status() == 200 && $s->read_until(qr/: parked\n.*\n\n/)
        ? $s : undef;
}


sub stopped {
    my ($pid) = $t->wait_for(sub { ($halt->stopped())[0] }, 'a halt');

    return $pid;
}


sub running {
    return map { $_->{pid} } @{ $t->status()->{workers} };
}
