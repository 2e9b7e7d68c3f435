#!/usr/bin/perl

# A parked response ends when its token expires, with "expired" as its last
# event: on each transport, in each format, also after a reload.  Responses
# whose tokens expire at the same time end spread over time.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Token;

use constant LATE => 2;         # seconds, for a machine that is busy

my @transports = qw(http https h2);

my $t = Pimap->new(workers => 2);
my $token = Pimap::Token->new($t);
my $key = 'pimap_token_key ' . $token->jwks('keys.json', 'secret') . ';';

$t->nginx()->{http} = $ENV{PIMAP_HTTP} ? '' : 'pimap_hibernate on;';
$t->nginx()->{locations} .= <<"END";
    $key
    pimap_token_leeway 4s;

    location = /token { pimap_login token ticket; pimap_events; }
    location = /ticket { pimap_login token; pimap_ticket; }
END

$t->plan(6 * @transports + 21);
$t->run();
$t->wait_ready();

# in the last tenth of their life

my @many = map { park(time() + 11, account => 'many') } 1 .. 24;

my $exp = time() + 8;
my %s;

for my $transport (@transports) {
    $s{$transport} = park($exp, transport => $transport);
    $s{"$transport ndjson"} = park($exp, transport => $transport,
        path => '/token?format=ndjson');
}

my $json = $t->get('/ticket', headers => bearer($exp))->{json};
$s{ticket} = $t->request(GET => "/token?ticket=$json->{ticket}");
$s{pinging} = park($exp, path => '/token?ping=10');

my $later = park($exp + 3600);
$later->read_until(qr/: parked\n.*\n\n/);

$_->read_until(qr/parked.*\n/) for values(%s);
$t->subscribed('alice');
ok(time() < $exp, 'all are parked before their tokens expire');

for my $transport (@transports) {
    my ($sse, $ndjson) = @s{$transport, "$transport ndjson"};

    my $event = $sse->event() // {};

    is($event->{event}, 'expired', "$transport: expired");
    is_deeply($event->{json} // $event->{data}, { reason => 'time' },
        '    with the reason') or diag(explain($event));
    ok($sse->ended(), '    and the end');

    my $object = JSON::PP::decode_json($ndjson->read_until(qr/\n/) // '{}');

    is_deeply([@$object{qw(event reason)}], ['expired', 'time'],
        '    and as JSON');
    like($object->{retry}, qr/^\d+$/, '    when to come back');
    ok($ndjson->ended(), '    and the end');
}

for (qw(ticket pinging)) {
    is($s{$_}->event()->{event}, 'expired', "$_: expired");
    ok($s{$_}->ended(), '    and the end');
}

ok(in_time($exp), 'at its time');

my $n = 2 * @transports + 2;

ok($t->wait_for(sub { ($t->status()->{ends}{expired} // 0) == $n }),
    'expired devices are counted');
is(scalar(() = $t->log() =~ /ended: reason="expired" account="alice"/g), $n,
    '    and logged');

$t->redis()->publish('alice', { event => 'X' });
is($later->event()->{event}, 'X', 'a later token: the device stays');

# within the leeway

my $s = park(time() - 1);
ok($s->read_until(qr/: parked\n.*\n\n/), 'a token within the leeway: parked');
is($s->event()->{event}, 'expired', '    and expired later');
ok($s->ended(), '    and ends');

$_->closed() for @many;

my @seconds = sort { $a <=> $b } $t->log()
    =~ /ended: reason="expired" account="many".*seconds="(\d+)/g;

ok($seconds[0] < $seconds[-1], 'tokens of the same time: ends are spread')
    or diag("@seconds");
ok($seconds[0] < 11 && $seconds[-1] <= 11 + LATE,
    '    before their tokens expire');

# a hand-over keeps the time of expiry

my $kept = time() + 20;
my @kept = map { park($kept, transport => $_) } @transports;
$_->read_until(qr/: parked\n.*\n\n/) for @kept;

ok($t->reload(), 'a reload');
ok($t->wait_for(sub { $t->status()->{handover}{received} >= 2 }),
    'handed over');

for (0, 1) {
    is($kept[$_]->event()->{event}, 'expired', "$transports[$_]: expired");
    ok($kept[$_]->ended(), '    and the end');
}

ok(in_time($kept), 'at its time');


sub in_time { return time() >= $_[0] - 2 && time() <= $_[0] + LATE }


sub bearer {
    my ($exp, $account) = @_;
    return $token->bearer(secret => { exp => $exp,
        sub => $account // 'alice' });
}


sub park {
    my ($exp, %set) = @_;

    return $t->request(GET => $set{path} // '/token', %set,
        headers => bearer($exp, $set{account}));
}
