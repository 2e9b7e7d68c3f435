#!/usr/bin/perl

# An account has one spelling, that of Dovecot and the bridge, whatever way its
# name comes in.  With "pimap_account_case keep" the case of letters counts.

use strict;
use warnings;

use MIME::Base64 qw(encode_base64);
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Token;

my $t = Pimap->new(allow => qr/is "upper", but must be "lower" or "keep"/);
my $token = Pimap::Token->new($t);
my $jwks = $token->jwks('keys.json', 'secret');

for my $keep ('', '/keep') {
    $t->nginx()->{locations} .= <<"END";
        location $keep/account {
            @{[ $keep ? 'pimap_account_case keep;' : '' ]}

            location = $keep/account/basic {
                auth_basic pimap;
                auth_basic_user_file htpasswd;
                pimap_events;
            }

            location = $keep/account/token {
                pimap_login token ticket;
                pimap_token_key $jwks;
                pimap_events;
            }

            location = $keep/account/ticket {
                pimap_account \$arg_account;
                pimap_ticket;
            }

            location = $keep/account/argument {
                pimap_account \$arg_account;
                pimap_events;
            }

            location = $keep/account/send {
                pimap_account \$arg_account;
                pimap_update;
            }

            location = $keep/account/post {
                pimap_publish;
            }
        }
END
}

$t->write_file($t->dir() . '/htpasswd', "Alice:{PLAIN}secret\n");
chmod(0644, $t->dir() . '/htpasswd');

$t->plan(26);
$t->run();
$t->wait_ready();

my $basic = 'Basic ' . encode_base64('Alice:secret', '');
my $bearer = $token->bearer(secret => { sub => 'Alice' });

for my $keep ('', '/keep') {
    my $name = $keep ? 'Alice' : 'alice';
    my $path = "$keep/account";

    # Logins

    parks("$path/basic", { Authorization => $basic }, $name);
    parks("$path/token", $bearer, $name);
    parks("$path/argument?account=Al%69ce", {}, $name);
    parks("$path/token?ticket=" . $t->get("$path/ticket?account=Alice")
        ->{json}{ticket}, {}, $name);

    # Publishers

    my $device = park("$path/argument?account=Alice", {}, $name);

    is(publish("$path/post?account=Alice"), 1, "$path/post to Alice");
    is(publish("$path/post?account=alicE"), $keep ? 0 : 1,
        '    to alicE: the same, or another account');
    is(ox("$path/post", 'ALICE', 'Alice'), $keep ? 400 : 200,
        '    by OX: one user, or two');
    is(ox("$path/post", 'Alice'), 200, '    by OX');
    is(join(' ', map { ($device->event() // {})->{event} // 'none' }
        1 .. ($keep ? 2 : 5)), $keep ? 'Test MessageNew'
        : 'Test Test MessageNew MessageNew MessageNew', '    they arrive');
    $device->close();

    # Updates

    is($t->post("$path/send?account=Alice&device=d", $t->json({ id => "1$keep",
        update => 'x' }))->{status}, 202, "$path/send");

    my %update = @{ $t->redis()->command(qw(XREVRANGE pimap:updates + -
        COUNT 1))->[0][1] };

    is($update{account}, $name, "    its account is $name");
}

# Letters beyond ASCII stay.

is(publish('/publish?account=GR%C3%9CN'), 0, 'a letter that is not ASCII');
is($t->redis()->command('EXISTS', "pimap:{gr\xc3\x9cn}"), 1,
    '    stays as it is');

# A change of the rule is another account for some, so devices come back.

my $device = park('/events?account=bob', {}, 'bob');

$t->nginx()->{server} = 'pimap_account_case keep;';
$t->reload();
ok($device->read_until(qr/^event: retry\n/m),
    'another case after a reload: devices are told to come back');

$t->nginx()->{server} = 'pimap_account_case upper;';
like(($t->nginx()->check())[1], qr/is "upper", but must be "lower" or "keep"/,
    'a value that is none is an error');


sub park {
    my ($path, $headers, $name) = @_;

    my $s = $t->request('GET', $path, headers => $headers);

    $s->read_until(qr/: parked\n.*\n\n/);
    $t->subscribed($name);

    return $s;
}


sub parks {
    my ($path, $headers, $name) = @_;

    my $s = park($path, $headers, $name);

    $path =~ s/=\S{20,}//;
    is($t->redis()->numsub($name), 1, "$path parks $name");
    $s->close();
    $t->wait_for(sub { !$t->redis()->numsub($name) }, 'the end');
}


sub publish {
    return $t->post($_[0], '{"event":"Test"}')->{json}{receivers};
}


sub ox {
    my ($path, @users) = @_;

    my $body = join('', map { $t->json({ user => $_, event => 'messageNew',
        folder => 'INBOX', 'imap-uid' => 1, 'imap-uidvalidity' => 1 })
        . "\n" } @users);

    return $t->post($path, $body, headers => {
        'Content-Type' => 'application/x-ndjson' })->{status};
}
