#!/usr/bin/perl

# A device comes through a unix socket, with or without the address that a
# proxy in front gives: it parks, is logged and limited by that address, and
# nothing is tried on the socket that only TCP has (see the error log's test).

use strict;
use warnings;

use IO::Socket::UNIX;
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(workers => 2);
my ($proxied, $header, $plain) = map { $t->dir() . "/$_.sock" }
    qw(proxied header plain);
my $location = 'location = /events { pimap_account $arg_account;'
    . ' pimap_max_devices_per_ip 1; pimap_events; }';

$t->nginx()->{http} = <<"END";
    server {
        listen unix:$proxied proxy_protocol;
        set_real_ip_from unix:;
        real_ip_header proxy_protocol;
        $location
    }

    server {
        listen unix:$header;
        set_real_ip_from unix:;
        real_ip_header X-Forwarded-For;
        $location
    }

    server {
        listen unix:$plain;
        $location
    }
END

# socket, the bytes before, the header, the address in the log
my @ways = (
    [$proxied, "PROXY TCP4 192.0.2.1 192.0.2.9 1000 443\r\n", '',
        '192.0.2.1'],
    [$proxied, "PROXY TCP6 2001:db8::1 2001:db8::9 1000 443\r\n", '',
        '2001:db8::1'],
    [$header, '', "X-Forwarded-For: 192.0.2.2\r\n", '192.0.2.2'],
    [$plain, '', '', 'unix:'],
);

$t->plan(5 * @ways + 1);
$t->run();
$t->wait_ready();

my @parked = map { device(@$_) } @ways;
my $i = 0;

for my $way (@ways) {
    my $s = $parked[$i];

    ok($s->read_until(qr/: parked\n.*\n\n/), "$way->[3]: parked");
    $t->subscribed("user$i");
    is(device(@$way)->status(), 429, "$way->[3]: counted by its address");
    $i++;
}

my @old = $t->workers();
$t->reload();
ok($t->wait_for(sub { !grep { -e "/proc/$_" } @old }), 'a reload');

for (0 .. $#ways) {
    my $address = $ways[$_][3];

    $t->redis()->log("user$_", { event => 'MessageNew', uid => 1 });
    is($parked[$_]->event()->{json}{uid}, 1, "$address: an event");
    is(device(@{ $ways[$_] })->status(), 429, "$address: still counted");
    $parked[$_]->close();
    ok($t->wait_for(sub {
        $t->log() =~ /ended: .*account="user$_".* client="\Q$address\E"/
    }, 'the end'), "$address: it is in the line about the end");
}


sub device {
    my ($path, $before, $header, $address) = @_;

    my ($n) = grep { $ways[$_][3] eq $address } 0 .. $#ways;
    my $socket = IO::Socket::UNIX->new(Peer => $path) // die "$path: $!\n";

    $socket->syswrite("${before}GET /events?account=user$n HTTP/1.1\r\n"
        . "Host: localhost\r\n$header\r\n");

    return Pimap::Stream->new(socket => $socket);
}
