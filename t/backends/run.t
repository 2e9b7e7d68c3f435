#!/usr/bin/perl

# The first steps of a new user: "make run", a device, "make mail", and Ctrl-C,
# which leaves nothing behind. Also the failures of "make run".

use strict;
use warnings;

use List::Util qw(first);
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

# The inner make must not use the settings of an outer "make test".
delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL TO FROM SUBJECT BODY)};
@ENV{keys %env} = values %env;

$t->plan(44);

for (1 .. 2) {
    my $demo = start();

    my ($dir) = map { m{^(/tmp/pimap-demo\.\w+)/} } lines($env{STATE});
    ok(-d $dir, 'make run: a directory of its own');
    like($t->read_file($output), qr{^\s+The page\s+\Q@{[ page() ]}\E$}m,
        '    prints the address of the page');
    like($t->read_file($output),
        qr{^  A device +curl .*\Q@{[ page() ]}\Epimap/events$}m,
        '    prints a command for a device');
    is($t->get('/')->{status}, 401, '    the page without a login: 401');
    is($t->get('/', headers => login('wrong'))->{status}, 401,
        '    a wrong password: 401');

    my $shown = $t->get('/', headers => login('demo'));
    like($shown->{body}, qr/<title>/, '    the right password: the page');
    like($shown->{head}, qr/^Set-Cookie: account=alice;/m,
        '    with the account in a cookie');

    my %devices = map { $_ => $t->park('', transport => $_,
        path => '/pimap/events', headers => login('demo')) } qw(http h2);
    ok($devices{$_}->read_until(qr/: parked\n.*\n\n/),
        "    a device is parked by $_")
        for qw(http h2);

    like(qx(make mail SUBJECT='f\xc3\xbcr "dich"' 2>&1),
        qr{^Delivered to alice, look at \Q@{[ page() ]}\E as alice$},
        '    make mail delivers a message');

    is(mail($devices{$_}), "f\xfcr \"dich\"",
        "    the device gets it by $_") for qw(http h2);

    my $who = $t->get('/pimap/accounts?account=alice')->{json};

    is_deeply([map { $_->{transport} } @{ $who->{devices}{list} }],
        [qw(detached held-h2-tls)], '    the operator sees both');
    is($who->{log}{list}[0]{event}{event}, 'MessageNew',
        '    and the event');

    # delays of a busy machine do not count

    ok(first(sub { delivery(values(%devices)) < 1 }, 1 .. 30),
        '    within a second');
    ok($devices{$_}->quiet(0.3), "    once by $_") for qw(http h2);


    if ($_ == 1) {
        like(fails('run'), qr/^demo: it is running already: /m,
            'make run again: it is running already');
        like(fails('run', 'STATE=' . $t->dir() . '/other'),
            qr/^demo: port $ports{PORT} is in use: .*PORT=/m,
            'make run: the port is in use');
    }

    my @pids = pids($dir);
    cmp_ok(@pids, '>=', 7, 'each part is a process');

    kill('INT', -$demo->pid());
    ok($t->wait_for(sub { !$demo->running() }, 'the end'),
        'Ctrl-C: the demo ends');
    is_deeply([grep({ -e } $dir, $env{STATE}), grep({ alive($_) } @pids)], [],
        '    no process is left');
}

like(fails('mail'), qr/^mail: the demo is not running: .*make run/m,
    'make mail without a demo: fails');
like(fails('run', 'PORT=none'), qr/^demo: PORT=none is not a port number$/m,
    'make run with a PORT that is no number: fails');


sub start {
    unlink($output);

    my $demo = $t->start(command => ['make', 'run'], output => $output);

    return $demo if $t->wait_for(sub { lines($env{STATE}) == 2
        || !$demo->running() }, 'the demo', 120) && $demo->running();

    die $t->read_file($output);
}


# The seconds of a delivery to these devices.

sub delivery {
    my $begin = time();

    qx(make mail SUBJECT=again 2>&1);
    mail($_) for @_;

    return time() - $begin;
}


# The subject of the next message that this device gets.

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


# A zombie does not count.

sub alive { $t->read_file("/proc/$_[0]/stat") =~ /^\d+ \(.*\) [^ZX]/s }


# Processes whose command line or working directory is below the directory.

sub pids {
    my ($dir) = @_;

    my %pids = map { m{(\d+)} => 1 } grep { (readlink("$_/cwd") // '') =~
        /^\Q$dir\E/ || $t->read_file("$_/cmdline") =~ /\Q$dir\E/ }
        glob('/proc/[0-9]*');

    return keys(%pids);
}
