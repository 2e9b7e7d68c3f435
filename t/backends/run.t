#!/usr/bin/perl

# What a newcomer does: "make run", a device, "make mail", and Ctrl-C, after
# which nothing is left; and the ways in which "make run" can fail.

use strict;
use warnings;

use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/../.."); }

use lib 't/lib';
use Pimap;

my $t = Pimap->new();
my %ports = (PORT => $t->port('http'), TLS_PORT => $t->port('https'),
    IMAP_PORT => $t->port('imap'), DAV_PORT => $t->port('dav'));
my %env = (%ports, STATE => $t->dir() . '/state');
my $output = $t->dir() . '/output';

# We are no part of a "make test" in which we may be run.
delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL TO FROM SUBJECT BODY)};
@ENV{keys %env} = values %env;

$t->plan(40);

for (1 .. 2) {
    my $demo = start();

    my ($dir) = map { m{^(/tmp/pimap-demo\.\w+)/} } lines($env{STATE});
    ok(-d $dir, 'a directory of its own');
    like($t->read_file($output), qr{^\s+The page\s+\Q@{[ page() ]}\E$}m,
        'the address of the page');
    like($t->read_file($output),
        qr{^  A device +curl .*\Q@{[ page() ]}\Epimap/events$}m, 'a device');
    is($t->get('/')->{status}, 401, 'the page wants a login');
    is($t->get('/', headers => login('wrong'))->{status}, 401, 'a good one');

    my $shown = $t->get('/', headers => login('demo'));
    like($shown->{body}, qr/<title>/, 'the page');
    like($shown->{head}, qr/^Set-Cookie: account=alice;/m, 'and whose it is');

    my %devices = map { $_ => $t->park('', transport => $_,
        path => '/pimap/events', headers => login('demo')) } qw(http h2);
    ok($devices{$_}->read_until(qr/: parked\n\n/), "parked by $_")
        for qw(http h2);

    like(qx(make mail SUBJECT='f\xc3\xbcr "dich"' 2>&1),
        qr{^Delivered to alice, look at \Q@{[ page() ]}\E as alice$},
        'a mail delivered');

    is(mail($devices{$_}), "f\xfcr \"dich\"", "seen by $_") for qw(http h2);

    # what a busy machine adds is not ours

    my ($quickest) = sort { $a <=> $b } map {
        my $begin = time();
        qx(make mail SUBJECT=again 2>&1);
        mail($_) for values(%devices);
        time() - $begin;
    } 1 .. 3;

    cmp_ok($quickest, '<', 1, 'within a second');
    ok($devices{$_}->quiet(0.3), "once by $_") for qw(http h2);


    if ($_ == 1) {
        like(fails('run'), qr/^demo: it is running already: /m, 'runs once');
        like(fails('run', 'STATE=' . $t->dir() . '/other'),
            qr/^demo: port $ports{PORT} is in use: .*PORT=/m,
            'port in use');
    }

    my @pids = pids($dir);
    cmp_ok(@pids, '>=', 7, 'a process for each');

    kill('INT', -$demo->pid());
    ok($t->wait_for(sub { !$demo->running() }, 'the end'), 'Ctrl-C');
    is_deeply([grep({ -e } $dir, $env{STATE}), grep({ alive($_) } @pids)], [],
        'nothing left');
}

like(fails('mail'), qr/^mail: the demo is not running: .*make run/m,
    'no mail without a demo');
like(fails('run', 'PORT=none'), qr/^demo: PORT=none is not a port number$/m,
    'no number');


sub start {
    unlink($output);

    my $demo = $t->start(command => ['make', 'run'], output => $output);

    return $demo if $t->wait_for(sub { lines($env{STATE}) == 2
        || !$demo->running() }, 'the demo', 120) && $demo->running();

    die $t->read_file($output);
}


# The subject of the next mail that this device hears of.

sub mail {
    my ($s) = @_;

    while (my $event = $s->event()) {
        return $event->{json}{subject} if $event->{event} eq 'MessageNew';
    }
}


# The output of a "make" that is expected to fail.

sub fails {
    my @args = @_;
    my $text = qx(make @args 2>&1);

    return $? ? $text : "did not fail: $text";
}


sub login {
    return { Authorization => 'Basic ' . encode_base64("alice:$_[0]", '') };
}


sub page { "http://127.0.0.1:$ports{PORT}/" }


sub lines { split(/\n/, $t->read_file($_[0])) }


# A process that only waits to be reaped is not.

sub alive { $t->read_file("/proc/$_[0]/stat") =~ /^\d+ \(.*\) [^ZX]/s }


# Processes whose command line or working directory is below the directory.

sub pids {
    my ($dir) = @_;

    my %pids = map { m{(\d+)} => 1 } grep { (readlink("$_/cwd") // '') =~
        /^\Q$dir\E/ || $t->read_file("$_/cmdline") =~ /\Q$dir\E/ }
        glob('/proc/[0-9]*');

    return keys(%pids);
}
