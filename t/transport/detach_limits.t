#!/usr/bin/perl

# nginx's limit_conn does not count detached devices, because they are no
# requests any more.  pimap_max_devices_per_ip and the other limits count them,
# in all workers.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(workers => 2, mode => '',
    http => 'limit_conn_zone $binary_remote_addr zone=addr:1m;'
        . 'set_real_ip_from 127.0.0.1; real_ip_header X-Real-IP;',
    locations => join("\n", map { <<"END" }
        location = /$$_[0] {
            pimap_account \$arg_account;
            $$_[1]
            pimap_events;
        }
END
    [address => 'pimap_max_devices_per_ip 3;'],
    [hibernated => 'pimap_max_devices_per_ip 3; pimap_hibernate on;'],
    [conn => 'limit_conn addr 1; limit_conn_status 429;'],
    [held => 'limit_conn addr 1; limit_conn_status 429; pimap_detach off;'],
    [account => 'pimap_max_devices_per_account 2;'])
    . 'location = /status { pimap_status; }');

$t->plan(26);
$t->run();

# The limit of an address, or of a network of IPv6, is that of all workers.

for (['address', 'http', 'detached', '192.0.2.1', '192.0.2.1', '192.0.2.2'],
    ['hibernated', 'https', 'hibernated', ('192.0.2.2') x 2, '192.0.2.3'],
    ['address', 'http', 'detached', '2001:db8::1', '2001:db8::2:0:0:7',
        '2001:db8:0:1::1'])
{
    my ($path, $transport, $kind, $address, $same, $other) = @$_;
    my @set = (path => "/$path", transport => $transport,
        headers => { 'X-Real-IP' => $address });
    my @parked = map { $t->park("a$_", @set) } 1 .. 3;

    is(scalar(grep { $_->read_until(qr/: parked\n.*\n\n/) } @parked), 3,
        "$address: three are parked");
    ok($t->wait_for(sub { $t->status()->{devices}{$kind} == 3 }, $kind),
        "all are $kind");

    my $s = $t->park('other', @set, headers => { 'X-Real-IP' => $same });
    is($s->status(), 429, "$address: the fourth is refused");
    like($s->read_until(qr/\}/) // '',
        qr/"detail":"the address has too many devices parked"/,
        'with the reason');

    $s = $t->park('b', @set, headers => { 'X-Real-IP' => $other });
    ok($s->read_until(qr/: parked\n.*\n\n/), 'another address may park');

    (shift(@parked))->close();
    $t->wait_for(sub { $t->status()->{devices}{$kind} == 3 }, 'a device gone');
    $s = $t->park('a4', @set);
    ok($s->read_until(qr/: parked\n.*\n\n/),
        'a device has left: another may park');

    undef(@parked);
    $s->close();
    $t->wait_for(sub { $t->status()->{parked} == 0 }, 'all gone');
}

# limit_conn counts requests: a held device is a request.

my @parked;

for my $n (1 .. 3) {
    push(@parked, $t->park('a', path => '/conn'));
    ok($parked[-1]->read_until(qr/: parked\n.*\n\n/)
        && $t->wait_for(sub { $t->status()->{devices}{detached} == $n },
            'detached'), "limit_conn 1 does not count detached devices: $n");
}

my $held = $t->park('a', path => '/held');
ok($held->read_until(qr/: parked\n.*\n\n/), 'a held device is parked');
is($t->park('a', path => '/held')->status(), 429,
    'limit_conn 1: the next is refused');
$held->close();
undef(@parked);

# A device with a name replaces its older connection.

@parked = map { $t->park('full', path => '/account',
    query => "device=$_") } qw(one two);
$_->read_until(qr/: parked\n.*\n\n/) for @parked;
is($t->park('full', path => '/account')->status(), 429,
    'the account is full: refused');
my $again = $t->park('full', path => '/account', query => 'device=two');
ok($again->read_until(qr/: parked\n.*\n\n/),
    'a device of the account may reconnect');
is(($parked[1]->event() // {})->{event}, 'superseded',
    'its older connection ends');
