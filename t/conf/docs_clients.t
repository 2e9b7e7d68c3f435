#!/usr/bin/perl

# The examples of docs/clients.md: with a token in the environment and another
# address, each shows an event.  Updates have results.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Page;
use Pimap::Token;

my $t = Pimap->new();
my ($dir, $root) = ($t->dir(), $t->root());
my $token = Pimap::Token->new($t);
my $keys = $token->jwks('keys.json', 'secret');
my $page = Pimap::Page->new($root, 'docs/clients.md');
my ($curl, $command, $loop, $update) = map { $_->{text} }
    $page->blocks('sh', 'curl');
my ($python, $python_update) = map { $_->{text} }
    $page->blocks('python', 'Python');
my ($js, $js_page, $js_update) = map { $_->{text} }
    $page->blocks('js', 'JavaScript');
my ($c) = map { $_->{text} } $page->blocks('sh', 'C');
my $uid = 0;

$t->nginx()->{server} = 'listen 127.0.0.1:' . $t->port('h1') . ' ssl;';
$t->nginx()->{locations} = <<"END";
    pimap_login token;
    pimap_token_key $keys;
    pimap_retry 1s;

    location = /pimap/events {
        pimap_login token ticket;
        pimap_events;
    }

    location = /pimap/ticket {
        pimap_ticket;
    }

    location = /pimap/updates {
        pimap_update;
    }

    location = /status {
        pimap_status;
    }
END

$t->plan(19);
$t->run();
$t->wait_ready();

my $example = start($curl);

shows($example, qr/^data: \{.*"uid":UID\}$/m, 'curl: one command');
stop($example);

$example = start($command);
shows($example, qr/^new mail: \{.*"uid":UID\}$/m, '    a command');
stop($example);

# The loop has an id before its first event, and misses none.

$example = start($loop);
shows($example, qr/"uid":UID\}/, '    a loop');
shows($example, qr/"uid":UID\}/, '    a loop, again');
unlike($example->{text}, qr/"uid":(\d+)\}.*"uid":\1\}/s, '    each once');
stop($example);

# It ends if the token is refused, with the reason.

$example = run("PIMAP_TOKEN=bad\n$loop");
ok($t->wait_for(sub { !$example->{process}->running() }, 'its end'),
    '    with a bad token it ends');
read_until($example, qr/401/);
like($example->{text}, qr/error: 401/, '    and says why');
stop($example);

$example = start($update);
ok(carry_out(), 'curl: an update');
read_until($example, qr/"status":"done"/);
like($example->{text}, qr/^\{"updates":\[\{.*"status":"done"\}\]\}$/m,
    '    its result');
stop($example);

$example = start("exec /usr/bin/python3 - <<'EOF'\n${python}EOF\n");
shows($example, qr/^MessageNew \{.*'uid': UID\}$/m, 'Python');
unlike($example->{text}, qr/Traceback/, '    no error');
stop($example);

$example = run("exec /usr/bin/python3 - <<'EOF'\n${python_update}EOF\n");
ok(carry_out(), 'Python: an update');
read_until($example, qr/^the result is done$/m);
like($example->{text}, qr/^the result is done$/m, '    its result');
stop($example);

# The program, and the update at its end.  The client of a page is made, too.

$js =~ s{'pimap-client'}{'$root/integrations/js/pimap-client.js'};
$t->write_file("$dir/page.mjs", "import { Pimap } from"
    . " '$root/integrations/js/pimap-client.js';\n"
    . "const [token, account] = ['t', 'alice'];\n"
    . 'globalThis.location = new URL("http://localhost/");'
    . "$js_page\nconsole.log(pimap.state);\nprocess.exit();\n");
is(`node $dir/page.mjs 2>&1`, "connecting\n", 'JavaScript: that of a page');
$t->write_file("$dir/example.mjs", address("$js$js_update"));

$example = start('exec node example.mjs');
ok(carry_out(), 'JavaScript: an update');
read_until($example, qr/^the result is done$/m);
like($example->{text}, qr/^the result is done$/m, '    its result');
like($example->{text}, qr/^parked$/m, '    it says that it is parked');
shows($example, qr/^MessageNew \{.*uid: UID/ms, '    an event');
stop($example);

$example = start($c);
shows($example, qr/^\S+\tMessageNew\t\{.*"uid":UID\}$/m, 'C: an event');
stop($example);


# Runs an example in the test's directory until it has subscribed.

sub start {
    my ($text) = @_;
    my $example = run($text);

    $t->subscribed('alice');
    return $example;
}


sub run {
    my ($text) = @_;

    my ($cert) = $t->certificate();

    $text = address($text);
    $text =~ s{/path/to/ngx_pimap_module}{$root}g;

    my $example = { text => '', process => $t->start(pipe => 1, env => {
        PIMAP_TOKEN => $token->make(secret => { sub => 'alice' }),
        PIMAP_CA => $cert, CURL_CA_BUNDLE => $cert, SSL_CERT_FILE => $cert,
        NODE_EXTRA_CA_CERTS => $cert,
        PYTHONPATH => "$root/integrations/python",
        PYTHONDONTWRITEBYTECODE => 1 },
        command => ['bash', '-c', "exec 2>&1\ncd $dir\n$text"]) };

    $example->{process}->fh()->blocking(0);

    return $example;
}


# With the address of the test's server.

sub address {
    my ($text) = @_;
    my $url = 'https://127.0.0.1:' . $t->port('h1');

    return $text =~ s{https://mail\.example\.com}{$url}gr;
}


sub read_until {
    my ($example, $re) = @_;

    $t->wait_for(sub {
        $example->{process}->fh()->sysread($example->{text}, 65536,
            length($example->{text}));
        $example->{text} =~ $re;
    }, 'output of an example');
}


# Publishes an event, which the example shows.

sub shows {
    my ($example, $re, $title) = @_;

    $uid++;
    $re =~ s/UID/$uid/;
    $re = qr/$re/;

    $t->redis()->log('alice', { event => 'MessageNew', uid => $uid });
    read_until($example, $re);
    like($example->{text}, $re, "$title: an event");
}


sub stop {
    my ($example) = @_;

    kill('TERM', -$example->{process}->pid());
    $t->stop($example->{process});
    $t->wait_for(sub { $t->redis()->numsub('alice') == 0 }, 'its end');
}


# The backend: answers an update.

sub carry_out {
    my $redis = $t->redis();

    return $t->wait_for(sub {
        my ($entry, $fields) = @{
            $redis->command('XRANGE', 'pimap:updates', '-', '+')->[0]
                // return };
        my %update = @$fields;

        $redis->command('XDEL', 'pimap:updates', $entry);
        $redis->fcall('result', 'alice', $update{device}, $update{id},
            '{"status":"done"}');
    }, 'an update');
}
