#!/usr/bin/perl

# Each parameter of a request to park is accepted, or refused with a problem
# document that names it; an unknown parameter is ignored.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $list64 = join(',', map { "n$_" } 1 .. 64);
my $long = join(',', map { 'x' x 80 . $_ } 1 .. 60);

my @good = (
    '',
    '&',
    '&&=&=x',
    'types=*',
    'types=%2A',
    'types=Email',
    'types=Email,Mailbox,Thread',
    'types=Email%2CMailbox%2cThread',
    'types=NoSuchType',
    'types=Email&types=Mailbox',
    'mailboxes=INBOX',
    'mailboxes=INBOX,Archive/2024,a%2Cb',
    'mailboxes=Caf%C3%A9',
    'mailboxes=Sent+Items',
    "mailboxes=$list64",
    'mailboxes=a&mailboxes=b',
    'collections=/alice/friends/',
    'collections=%2Fa%2F,/b/&collections=/c/',
    "collections=$list64",
    'events=MessageNew',
    'events=MessageNew%2CFlagsSet',
    'events=NoSuchEvent',
    "events=$list64",
    'ping=0',
    'ping=1',
    'ping=30',
    'ping=%33%30',
    'ping=0030',
    'ping=99999999999999999999999',
    'closeafter=state',
    'closeafter=no',
    'closeafter=st%61te',
    'closeAfter=state',
    'device=phone',
    'device=',
    'device=My+phone%21',
    'unknown',
    'unknown=%zz',
    'Types=',
    'typesx=',
    'type=',
);

my @bad = (
    ['types=', qr/"types"/],
    ['types', qr/"types"/],
    ['types=Email,', qr/"types"/],
    ['types=,Email', qr/"types"/],
    ['types=Email,,Thread', qr/"types"/],
    ['types=%', qr/"types"/],
    ['types=Email%2', qr/"types"/],
    ['types=Email%g1', qr/"types"/],
    ['types=Email&types=', qr/"types"/],
    ['mailboxes=', qr/"mailboxes"/],
    ['mailboxes=INBOX,', qr/"mailboxes"/],
    ['mailboxes=%ff', qr/"mailboxes".*UTF-8/],
    ['mailboxes=a%C3', qr/"mailboxes".*UTF-8/],
    ['mailboxes=%C0%AF', qr/"mailboxes".*UTF-8/],
    ['mailboxes=%ED%A0%80', qr/"mailboxes".*UTF-8/],
    ['mailboxes=%C3%E9', qr/"mailboxes".*UTF-8/],
    ['mailboxes=%E2%82%F8', qr/"mailboxes".*UTF-8/],
    ['mailboxes=%F4%90%80%80', qr/"mailboxes".*UTF-8/],
    ['mailboxes=a%00b', qr/"mailboxes"/],
    ['mailboxes=a%0Ab', qr/"mailboxes"/],
    ['mailboxes=a%7F', qr/"mailboxes"/],
    ['mailboxes=a%4', qr/"mailboxes"/],
    ["mailboxes=$list64,n65", qr/"mailboxes".*64/],
    ["mailboxes=$list64&mailboxes=n65", qr/"mailboxes".*64/],
    ["mailboxes=$long", qr/too long/],
    ['collections=', qr/"collections"/],
    ['collections=/a/,', qr/"collections"/],
    ['collections=%ff', qr/"collections".*UTF-8/],
    ['collections=/%C3%E9/', qr/"collections".*UTF-8/],
    ['collections=/a%0A/', qr/"collections"/],
    ["collections=$list64,n65", qr/"collections".*64/],
    ["collections=$long", qr/too long/],
    ['events=', qr/"events"/],
    ['events=MessageNew,', qr/"events"/],
    ['events=%x', qr/"events"/],
    ["events=$list64,n65", qr/"events".*64/],
    ['ping=', qr/"ping"/],
    ['ping', qr/"ping"/],
    ['ping=-1', qr/"ping"/],
    ['ping=1.5', qr/"ping"/],
    ['ping=10s', qr/"ping"/],
    ['ping=%', qr/"ping"/],
    ['ping=+5', qr/"ping"/],
    ['closeafter=', qr/"closeafter"/],
    ['closeafter=yes', qr/"closeafter"/],
    ['closeafter=STATE', qr/"closeafter"/],
    ['closeafter=state&closeafter=x', qr/"closeafter"/],
    ['closeAfter=x', qr/"closeafter"/],
    ['device=%', qr/device.*percent-encoding/],
    ['device=%zz', qr/device.*percent-encoding/],
);

my $t = Pimap->new();
$t->plan(@good + 5 * @bad + 9);
$t->run();

for my $query (@good) {
    my $s = $t->park('alice', method => 'HEAD', query => $query, close => 1);

    is($s->status(), 200, "good: " . substr($query, 0, 60));
    $s->close();
}

for (@bad) {
    my ($query, $detail) = @$_;
    my $name = 'bad: ' . substr($query, 0, 60);

    my $got = $t->get("/events?account=alice&$query");

    is($got->{status}, 400, $name);
    like($got->{head}, qr{^Content-Type: application/problem\+json\r$}m,
        "$name: type");
    is($got->{json}{status}, 400, "$name: its status");
    is($got->{json}{title}, 'Bad Request', "$name: its title");
    like($got->{json}{detail}, $detail, "$name: its detail");
}

is($t->status()->{refused}, scalar(@bad), 'each bad request is counted');
is($t->status()->{connects}, 0, 'no bad request was parked');


# The meaning of the parameters.

my %device = (
    'mailboxes=Caf%C3%A9+1%2F2' => [2],
    'mailboxes=a%2Cb&mailboxes=INBOX' => [1, 3],
    'types=Quota&types=Email' => [1 .. 3, 5],
    'types=Quota&types=*' => [1 .. 5],
    'events=MessageNew&events=QuotaChange' => [1, 2, 3, 5],
);

for my $query (sort(keys(%device))) {
    my $s = $t->park('bob', query => $query);

    $s->read_until(qr/: parked\n.*\n\n/);
    $device{$query} = [$s, $device{$query}];
}

ok($t->subscribed('bob'), 'parked');

# an event without a mailbox passes lists of mailboxes, so uid 5 has a mailbox

my $n = 0;

for my $event (
    { event => 'MessageNew', mailbox => 'INBOX' },
    { event => 'MessageNew', mailbox => "Caf\x{e9} 1/2" },
    { event => 'MessageNew', mailbox => 'a,b' },
    { event => 'MailboxCreate', mailbox => 'x' },
    { event => 'QuotaChange', mailbox => 'x' },
) {
    $t->redis()->publish('bob', { %$event, uid => ++$n });
}

$t->redis()->publish('bob', { event => 'StateChange' });

for my $query (sort(keys(%device))) {
    my ($s, $expected) = @{ $device{$query} };
    my @got = map { ($s->event() // {})->{json}{uid} // '-' } @$expected;

    is("@got", "@$expected", "understood: $query");
}

ok($t->redis()->numsub('bob'), 'the devices are still parked');
