package Pimap::Browser;

# Debian's headless Chromium, driven over its debugging pipe: JSON texts that
# end with a zero byte, written to its fd 3, read from its 4.  An object is a
# tab; tab() opens another one, which shares cookies and storage.

use strict;
use warnings;

use Fcntl qw(F_SETFD);
use IO::Select;
use JSON::PP;
use MIME::Base64 qw(decode_base64);
use Time::HiRes qw(time);

use Pimap::Process qw(patience wait_for);

# The program itself: /usr/bin has a script that waits for it.
my $program = '/usr/lib/chromium/chromium-headless-shell';

my $json = JSON::PP->new()->utf8()->canonical();


# t => the test that stops it and in whose directory it lives

sub start {
    my ($class, %set) = @_;

    my $t = $set{t};
    my $profile = $t->dir() . '/chromium';
    my ($read, $write, $in, $out);

    pipe($read, $out) or die "pipe: $!\n";
    pipe($in, $write) or die "pipe: $!\n";
    fcntl($_, F_SETFD, 0) for ($in, $out);      # the browser inherits them

    my $fds = sprintf('3<&%d 4>&%d', fileno($in), fileno($out));

    my $process = $t->start(output => $t->dir() . '/chromium.out',
        env => { HOME => $profile },
        command => ['bash', '-c', "exec \"\$@\" $fds", 'bash',
            $program, '--remote-debugging-pipe',
            '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
            '--hide-scrollbars', '--ignore-certificate-errors',
            "--user-data-dir=$profile", 'about:blank']);

    CORE::close($_) for ($in, $out);
    $write->autoflush(1);

    my $pipe = { read => $read, write => $write, text => '', n => 0 };

    return bless({ process => $process, pipe => $pipe }, $class)->tab();
}


sub process { $_[0]{process} }


sub tab {
    my ($self) = @_;

    my $tab = bless({ %$self{qw(process pipe)} }, ref($self));

    $tab->{target} = $tab->_call('Target.createTarget',
        url => 'about:blank')->{targetId};
    $tab->{session} = $tab->_call('Target.attachToTarget',
        targetId => $tab->{target}, flatten => JSON::PP::true)->{sessionId};
    $tab->_call('Page.enable');

    return $tab;
}


# Closes the tab; brings it to the front, which hides the others.

sub close { $_[0]->_call('Target.closeTarget', targetId => $_[0]{target}) }
sub front { $_[0]->_call('Page.bringToFront') }


sub offline { $_[0]->_network(JSON::PP::true) }
sub online  { $_[0]->_network(JSON::PP::false) }

sub _network {
    my ($self, $offline) = @_;

    $self->_call('Network.enable');
    $self->_call('Network.emulateNetworkConditions', offline => $offline,
        latency => 0, downloadThroughput => -1, uploadThroughput => -1);
}


# Allows what the user would be asked for, such as "notifications".

sub allow {
    my ($self, @names) = @_;
    $self->_call('Browser.grantPermissions', permissions => \@names);
}


sub open {
    my ($self, $url) = @_;

    my $result = $self->_call('Page.navigate', url => $url);

    die "$url: $result->{errorText}\n" if $result->{errorText};
}


# width and height in CSS pixels; dark => 1

sub size {
    my ($self, $width, $height, %set) = @_;

    $self->_call('Emulation.setDeviceMetricsOverride', width => $width,
        height => $height, deviceScaleFactor => 1,
        mobile => $set{mobile} ? JSON::PP::true : JSON::PP::false);
    $self->_call('Emulation.setEmulatedMedia', features => [
        { name => 'prefers-color-scheme',
            value => $set{dark} ? 'dark' : 'light' },
        { name => 'prefers-reduced-motion', value => 'reduce' }]);
}


# The value of a JavaScript expression.

sub eval {
    my ($self, $expression) = @_;

    my $result = $self->_call('Runtime.evaluate', expression => $expression,
        returnByValue => JSON::PP::true, awaitPromise => JSON::PP::true);

    die "$expression: $result->{exceptionDetails}{exception}{description}\n"
        if $result->{exceptionDetails};

    return $result->{result}{value};
}


# The expression's value as soon as it is true, or false.

sub wait {
    my ($self, $expression, $deadline) = @_;

    return wait_for(sub { $self->eval($expression) }, $deadline);
}


# Presses a key, as "ArrowDown" with its number.

sub key {
    my ($self, $name, $number) = @_;

    $self->_call('Input.dispatchKeyEvent', type => $_, key => $name,
        code => $name, windowsVirtualKeyCode => $number)
        for qw(keyDown keyUp);
}


# The text of the first element that a selector finds.

sub text {
    my ($self, $selector) = @_;

    return $self->eval('document.querySelector('
        . JSON::PP->new()->ascii()->allow_nonref()->encode($selector)
        . ')?.textContent.trim() ?? null');
}


sub screenshot {
    my ($self, $path) = @_;

    my $shot = $self->_call('Page.captureScreenshot', format => 'png');

    CORE::open(my $fh, '>:raw', $path) or die "$path: $!\n";
    print $fh decode_base64($shot->{data});
    CORE::close($fh) or die "$path: $!\n";

    return -s $path;
}


sub _call {
    my ($self, $method, %params) = @_;

    my $id = ++$self->{pipe}{n};

    # it has no session of a tab
    my @session = $method =~ /^(?:Target|Browser)\./ ? ()
        : (sessionId => $self->{session});

    local $SIG{PIPE} = 'IGNORE';
    print { $self->{pipe}{write} } $json->encode({ id => $id,
        method => $method, params => \%params, @session }) . "\0";

    my $end = time() + 3 * patience();

    while (1) {
        my $message = $self->_message($end) or die "$method: no answer\n";

        next if ($message->{id} // 0) != $id;
        die "$method: $message->{error}{message}\n" if $message->{error};

        return $message->{result};
    }
}


sub _message {
    my ($self, $end) = @_;

    my $pipe = $self->{pipe};
    my $select = IO::Select->new($pipe->{read});

    while (index($pipe->{text}, "\0") < 0) {
        $select->can_read($end - time()) or return;
        sysread($pipe->{read}, $pipe->{text}, 1 << 20,
            length($pipe->{text})) or return;
    }

    my ($message, $rest) = split(/\0/, $pipe->{text}, 2);
    $pipe->{text} = $rest;

    return $json->decode($message);
}


1;
