#!/usr/bin/perl

# An error of Redis is not "not revoked".  The device parks, but is unproven,
# which a metric says, and it sends no update.  The worker asks again until
# Redis answers, and then ends the device if its login was revoked.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Token;
use Pimap::WebSocket;

my $t = Pimap->new();
my $token = Pimap::Token->new($t);
my $key = $token->jwks('keys.json', 'secret');

$t->nginx()->{locations} .= <<"END";
    pimap_token_key $key;

    location = /token { pimap_login token; pimap_events; }
    location = /send { pimap_login token; pimap_update; }
END

$t->plan(42);
$t->run();
$t->wait_ready();

my $redis = $t->redis();
my $client = $redis->connect();

# One account has an error: the others are looked up as ever.

revoked('bob');
$redis->command(qw(SET pimap:{alice}:revoked x));

my $alice = device('alice');

is($alice->json()->{event}, 'parked', 'an error for an account: it parks');
unproven(1, '    it is unproven');
is(status('bob'), 401, '    another account: its revoked token is refused');
is(status('carol'), 200, '        a token that is not revoked is taken');
is(post('alice'), 503, '    a request with an update: 503');
$alice->send(frame(TEXT, '{"id":"1","update":"x"}'));

my $answer = $alice->json();

is("$answer->{event} $answer->{update}", 'refused 1',
    '    an update of the device: refused');
is($answer->{detail}, 'Redis has not said whether the login is revoked',
    '        with the reason');
is($redis->command(qw(XLEN pimap:updates)), 0, '    nothing is added');
$redis->log('alice', { event => 'MessageNew' });
is($alice->json()->{event}, 'MessageNew', '    it gets events');
is($t->log_lines(qr/revoked logins of account "alice": WRONGTYPE.*asks again/),
    1, '    the log says it once');

$redis->command(qw(DEL pimap:{alice}:revoked));
unproven(0, 'without the error it is proven');
$alice->send(frame(TEXT, '{"id":"2","update":"x"}'));
is($alice->json()->{event}, 'accepted', '    its updates are accepted');
$alice->close();

# A device comes while no command can be sent, and its account is proven.

my $mary = device('mary');
my $socket = $redis->socket();

$mary->json();
$t->subscribed('mary');
unproven(0, 'a device parks: it is proven');
rename($socket, "$socket.away") or die "$socket: $!\n";
$redis->command(qw(CLIENT KILL TYPE normal));
$t->wait_for(sub { !$t->status()->{workers}[0]{redis}{up} }, 'no commands');

my $second = device('mary');

is($second->json()->{event}, 'parked',
    'no command can be sent: another parks');
unproven(1, '    the account is unproven');
rename("$socket.away", $socket) or die "$socket: $!\n";
unproven(0, '    Redis is back: it is proven');
$_->close() for $mary, $second;
$client = $redis->connect();

# A time that can't be read hides no other: of another device, or of all.

my ($bad, $gone) = map { device('frank', "device=$_") } qw(phone tablet);

$_->json() for $bad, $gone;
$t->subscribed('frank');
$redis->command('HSET', 'pimap:{frank}:revoked', 'phone', 'garbage', '', 'x',
    'tablet', int(time()));
$redis->command(qw(CLIENT KILL TYPE normal));
$client = $redis->connect();
is(($gone->json() // {})->{event}, 'expired',
    'a time that is no number: another, revoked device ends');
unproven(1, '    the account is unproven');
is(status('frank', '?device=tablet'), 401, '    a revoked token is refused');
is(post('frank', '?device=tablet'), 401, '        with an update, too');
is(post('frank'), 503, '        another device with an update: 503');
$redis->publish('frank', { event => 'X' });
is($bad->json()->{event}, 'X', '    the other device stays');
$redis->command(qw(DEL pimap:{frank}:revoked));
$bad->close();
$t->wait_for(sub { $t->status()->{accountsUnproven} == 0 }, 'frank');

# An error for all: revoked devices end when the right is back.

my @errors = (['NOPERM', [qw(ACL SETUSER default -hgetall)],
        [qw(ACL SETUSER default +hgetall)]],
    ['Redis denies functions, too',
        [qw(ACL SETUSER default -hgetall -fcall -fcall_ro)],
        [qw(ACL SETUSER default +hgetall)]]);

for (@errors) {
    my ($what, $break, $mend) = @$_;

    $client->command(@$break);
    $redis->command(qw(CLIENT KILL TYPE normal)) if $what ne 'NOPERM';
    $client = $redis->connect();
    $t->wait_for(sub { $t->status()->{workers}[0]{redis}{up} }, 'commands');

    my @revoked = map { device($_) } qw(bob bob dave);
    my $good = device('erin');

    revoked('dave');
    is(join(' ', map { $_->json()->{event} } @revoked, $good),
        'parked parked parked parked', "$what: devices park");
    unproven(3, '    they are unproven');
    is(post('erin'), 503, '    a request with an update: 503');
    $client->command(@$mend);
    is(join(' ', map { ($_->json() // {})->{event} // '' } @revoked),
        'expired expired expired', "$what, mended: revoked devices end");
    unproven(0, '    the others are proven');
    is(status('bob'), 401, '    a revoked token is refused');
    $redis->publish('erin', { event => 'X' });
    is($good->json()->{event}, 'X', '    the other device stays');
    $good->close();
}

$client->command(qw(ACL SETUSER default +@all));

# 70 look-ups are more than are in flight; all are asked again.

my @many = map { device("m$_") } 1 .. 70;
$_->json() for @many;
$t->subscribed("m$_") for 1 .. 70;

$client->command(qw(ACL SETUSER default -hgetall));
my @more = map { device("m$_") } 1 .. 70;
is((grep { ($_->json() // {})->{event} eq 'parked' } @more), 70,
    '70 accounts with errors: 70 devices park');
unproven(70, '    they are unproven');
revoked("m$_") for 1, 69, 70;
$client->command(qw(ACL SETUSER default +hgetall));
is((grep { ($_->json() // {})->{event} eq 'expired' }
    map { ($many[$_ - 1], $more[$_ - 1]) } 1, 69, 70), 6,
    '    three are revoked: their devices end');
unproven(0, '    the others are proven');
$_->close() for @many, @more;
ok($t->wait_for(sub { $t->status()->{accounts} == 0 }), 'all leave');
is($t->status()->{accountsUnproven}, 0, '    none is unproven');


sub device { $token->device(@_) }


sub status {
    my ($account, $query) = @_;

    return $t->request(HEAD => '/token' . ($query // ''),
        headers => $token->issued($account))->status();
}


sub post {
    my ($account, $query) = @_;

    return $t->post('/send' . ($query // ''), '{"id":"p","update":"x"}',
        headers => $token->issued($account))->{status};
}


sub revoked { $redis->revoked($_[0]) }


sub unproven {
    my ($n, $title) = @_;
    ok($t->unproven($n), $title);
}
