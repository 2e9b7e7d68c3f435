#!/usr/bin/perl

# After a reload a device has the settings of its own location: of the server
# and the socket that it came to, and of the kind of location.  A device whose
# location is gone is told to come back.

use strict;
use warnings;

use IO::Socket::UNIX;
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::WebSocket;

# Each pair has the same text in both locations: the first takes updates.

my $account = 'pimap_account $arg_account;';
my $open = "$account pimap_events;";
my $strict = "$account pimap_updates off; pimap_ping 1s min=1s max=1s;"
    . ' pimap_events;';

my $t = Pimap->new(mode => '', http => '', locations => <<"END");
        location = /same { $open }
        location ^~ /same { $strict }
        location /a { location ~ /nested\$ { $open } }
        location /b { location ~ /nested\$ { $strict } }
        location ~ ^/case\$ { $open }
        location ~* ^/case\$ { $strict }
        location /named-a { error_page 404 = \@events; return 404; }
        location \@events { $strict }
        location = /\@events { $open }
        location = /events { $open }
        location = /if { $strict
            if (\$arg_x) { add_header X-If 1; } }
        location = /limit { $strict limit_except POST { allow all; } }
        location = /status { pimap_status; }
END

my %port = map { $_ => $t->port($_) } qw(one two named-one named-two);
my $unix = $t->dir() . '/events.sock';

$t->nginx()->{http} .= "pimap_drain 5s;\n" . join("\n", map {
    my ($listen, $name, $events) = @$_;
    "server { listen $listen; $name location = /events { $events } }"
} (["127.0.0.1:$port{one}", '', $open], ["127.0.0.1:$port{two}", '', $strict],
    ["127.0.0.1:$port{'named-one'}", 'server_name mail.example.com;', $open],
    ["127.0.0.1:$port{'named-two'}", 'server_name mail.example.com;',
        $strict], ["unix:$unix", '', $strict]));

# Name, path, transport (the name of a port), whether updates are taken.

my @devices = (
    ['an exact location', '/same', 'http', 1],
    ['a prefix without regular expressions', '/same/x', 'http', 0],
    ['a nested location', '/a/nested', 'http', 1],
    ['another one of the same text', '/b/nested', 'http', 0],
    ['a regular expression', '/case', 'http', 1],
    ['one without case', '/CASE', 'http', 0],
    ['a named location', '/named-a', 'http', 0],
    ['a location with the text of that', '/@events', 'http', 1],
    ['an "if"', '/if', 'http', 0, 'x=1'],
    ['a "limit_except"', '/limit', 'http', 0],
    ['the default server', '/events', 'http', 1],
    ['the first of two servers without a name', '/events', 'one', 1],
    ['the second one', '/events', 'two', 0],
    ['the first of two servers of one name', '/events', 'named-one', 1],
    ['the second server of that name', '/events', 'named-two', 0],
);

$t->plan(3 * (@devices + 1) + 8);
$t->run();
$t->wait_ready();

my %w;
my $n = 0;

for my $device (@devices) {
    my ($name, $path, $port, $takes, $query) = @$device;
    my $w = $t->websocket('user' . ++$n, path => $path, transport => $port,
        query => "device=d&" . ($query // ''));

    is(($w->json() // {})->{event}, 'parked', "$name: parked");
    $w{$name} = $w;
}

# The server at a socket of the file system has no name, either.

my $socket = IO::Socket::UNIX->new(Peer => $unix);

$socket->syswrite(join("\r\n", 'GET /events?account=unix HTTP/1.1',
    'Host: localhost', pairs(Pimap::WebSocket::headers())) . "\r\n\r\n");
$w{unix} = bless(Pimap::Stream->new(socket => $socket), 'Pimap::WebSocket');
push(@devices, ['unix', undef, undef, 0]);
is(($w{unix}->json() // {})->{event}, 'parked', 'unix: parked');

my $detached = @devices;

ok($t->wait_for(sub { $t->status()->{devices}{detached} == $detached }),
    'all are detached');

sub answer {
    my ($w, $id) = @_;

    $w->send(frame(TEXT, $t->json({ id => "u$id", update => 'flags' })));
    return ($w->json() // {})->{event} // 'nothing';
}

sub pairs { return map { $_ % 2 ? () : "$_[$_]: $_[$_ + 1]" } 0 .. $#_ }
sub expected { return $_[0] ? 'accepted' : 'refused' }

is(answer($w{ $_->[0] }, 1), expected($_->[3]), "$_->[0]: before the reload")
    for @devices;

my @old = $t->workers();

ok($t->reload(), 'a reload');
ok($t->wait_for(sub { !grep { -e "/proc/$_" } @old }), 'the old worker exits');
ok($t->wait_for(sub { $t->status()->{parked} == $detached }), 'all stay');

is(answer($w{ $_->[0] }, 2), expected($_->[3]), "$_->[0]: after the reload")
    for @devices;

is($t->status()->{handover}{received}, $detached, 'all were handed over');

# The socket of the second server is gone, the other one has its name.

$t->nginx()->{http} =~ s/^server \{ listen 127.0.0.1:$port{$_};.*\n//m
    for qw(two named-one);
ok($t->reload(), 'two servers are removed');

my @gone = @w{'the second one', 'the first of two servers of one name'};

is(join(' ', map { ($_->json() // {})->{event} // '' } @gone), 'retry retry',
    'a server is gone: its device is told to come back');
is($t->wait_for(sub { $t->status()->{parked} == $detached - 2 }) ? 1 : 0, 1,
    'the devices of the others stay');
